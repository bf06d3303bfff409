"""Bare httpx to Kafka: pages fetched one after another, each acknowledged before the next.

`records`: cut out of the page undecoded, one in a message. `decoded`: decoded and encoded again.
`pages`: the page as it came, one message each. `fetch`: nothing is published.
"""

import asyncio

import httpx
import msgspec
import orjson
from aiokafka import AIOKafkaProducer
from harness.meter import Meter, spec
from harness.records import FIRST_ID

PARTITIONS = 6


class _Id(msgspec.Struct):
    id: int


class _Answer(msgspec.Struct):
    result: list[msgspec.Raw]


_id_of = msgspec.json.Decoder(_Id).decode
_answer_of = msgspec.json.Decoder(_Answer).decode


def cut(body: bytes) -> tuple[int, list[tuple[bytes, bytes]]]:
    """The last id, and messages."""
    raw = _answer_of(body).result
    keys = [_id_of(one).id for one in raw]
    last = keys[-1] if keys else 0
    return last, [(str(key).encode(), bytes(one)) for key, one in zip(keys, raw, strict=True)]


def decoded(body: bytes) -> tuple[int, list[tuple[bytes, bytes]]]:
    records = orjson.loads(body)["result"]
    last = records[-1]["id"] if records else 0
    return last, [(str(record["id"]).encode(), orjson.dumps(record)) for record in records]


async def publish(
    producer: AIOKafkaProducer, topic: str, partition: int, messages: list[tuple[bytes, bytes]]
) -> None:
    pending = []
    batch = producer.create_batch()
    for key, value in messages:
        if batch.append(key=key, value=value, timestamp=None) is None:
            pending.append(await producer.send_batch(batch, topic, partition=partition))
            batch = producer.create_batch()
            batch.append(key=key, value=value, timestamp=None)
    pending.append(await producer.send_batch(batch, topic, partition=partition))
    await asyncio.gather(*pending)


async def main() -> None:
    asked = spec()
    kind, topic, page_size = asked["kind"], asked["prefix"] + "records", asked["page"]
    producer = AIOKafkaProducer(
        bootstrap_servers=asked["bootstrap_servers"],
        acks="all",
        max_batch_size=1024 * 1024,
        max_request_size=4 * 1024 * 1024,
    )
    await producer.start()
    await producer.partitions_for(topic)
    url = f"{asked['source']}/rows_{asked['records']}/rpc/"
    read = decoded if kind == "decoded" else cut
    meter = Meter(asked.get("profile"))
    async with httpx.AsyncClient() as client:
        meter.start()
        after, done, count = FIRST_ID, 0, page_size
        while count == page_size:
            params = [[["id", ">", after]], 0, page_size, [["id", "ASC"]], [], {}]
            call = {"id": 1, "method": "model.work_order.search_read", "params": params}
            body = (await client.post(url, content=orjson.dumps(call))).content
            partition = done // page_size % PARTITIONS
            if kind in {"pages", "fetch"}:
                count = min(page_size, asked["records"] - done)
                after += count
                if kind == "pages":
                    await producer.send_and_wait(topic, body, partition=partition)
            else:
                after, messages = read(body)
                count = len(messages)
                if messages:
                    await publish(producer, topic, partition, messages)
            done += count
        meter.stop(done)
    await producer.stop()


if __name__ == "__main__":
    asyncio.run(main())
