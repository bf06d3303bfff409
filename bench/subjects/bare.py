"""Loops over aiokafka without any framework, as tight as we could write them.

`pass_through`: records on, undecoded. `mapped`: records decoded, the 20 fields mapped by hand, encoded.
`pages_cut`: slices of `records.raw` cut into keyed records, undecoded. `pages_mapped`: the same, mapped.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec
import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import ConsumerRecord
from harness.meter import Meter, spec
from harness.records import map_record

from lineshaft.common.kafka.partitions import partitions_of

MOST_RECORDS = 2_000
MOST_PAGES = 4
PARTITIONS = list(range(6))

Message: TypeAlias = tuple[bytes | None, bytes | None]
ByPartition: TypeAlias = Mapping[int, Iterable[Message]]
Fetched: TypeAlias = Mapping[Any, Sequence[ConsumerRecord[bytes, bytes]]]
Headers: TypeAlias = list[tuple[str, bytes]]

HEADERS: Headers = [
    ("ce_specversion", b"1.0"),
    ("ce_type", b"lineshaft.entity.upserted"),
    ("ce_source", b"/bench"),
    ("content-type", b"application/json"),
]
"""Of a CloudEvent, all but the id."""


class _Id(msgspec.Struct):
    id: int


class _Page(msgspec.Struct):
    records: list[msgspec.Raw]


_id_of = msgspec.json.Decoder(_Id).decode
_page_of = msgspec.json.Decoder(_Page).decode


def pass_through(fetched: Fetched) -> tuple[int, ByPartition]:
    count = sum(map(len, fetched.values()))
    return count, {
        partition.partition: [(one.key, one.value) for one in some] for partition, some in fetched.items()
    }


def mapped(fetched: Fetched) -> tuple[int, ByPartition]:
    count = sum(map(len, fetched.values()))
    return count, {
        partition.partition: [(one.key, orjson.dumps(map_record(orjson.loads(one.value)))) for one in some]
        for partition, some in fetched.items()
    }


def pages_cut(fetched: Fetched) -> tuple[int, ByPartition]:
    cut = [raw for some in fetched.values() for one in some for raw in _page_of(one.value).records]
    return len(cut), _keyed([(str(_id_of(raw).id).encode(), bytes(raw)) for raw in cut])


def pages_mapped(fetched: Fetched) -> tuple[int, ByPartition]:
    pages = [orjson.loads(one.value)["records"] for some in fetched.values() for one in some]
    messages = [
        (str(record["id"]).encode(), orjson.dumps(map_record(record))) for page in pages for record in page
    ]
    return len(messages), _keyed(messages)


def _keyed(messages: Sequence[tuple[bytes, bytes]]) -> ByPartition:
    found: dict[int, list[Message]] = defaultdict(list)
    for message, partition in zip(
        messages, partitions_of([key for key, _ in messages], PARTITIONS), strict=True
    ):
        found[partition].append(message)
    return found


KINDS: dict[str, tuple[Callable[[Fetched], tuple[int, ByPartition]], bool]] = {
    "pass_through": (pass_through, False),
    "mapped": (mapped, True),
    "pages_cut": (pages_cut, True),
    "pages_mapped": (pages_mapped, True),
}


async def send(producer: AIOKafkaProducer, topic: str, messages: ByPartition, *, events: bool) -> None:
    pending = []
    for partition, some in messages.items():
        batch = producer.create_batch()
        for number, (key, value) in enumerate(some):
            headers = [*HEADERS, ("ce_id", b"%d" % number)] if events else []
            if batch.append(key=key, value=value, timestamp=None, headers=headers) is None:
                pending.append(await producer.send_batch(batch, topic, partition=partition))
                batch = producer.create_batch()
                batch.append(key=key, value=value, timestamp=None, headers=headers)
        pending.append(await producer.send_batch(batch, topic, partition=partition))
    await asyncio.gather(*pending)


async def main() -> None:
    asked = spec()
    handle, events = KINDS[asked["kind"]]
    target = asked["prefix"] + "mapped"
    consumer = AIOKafkaConsumer(
        asked["prefix"] + asked["topic"],
        bootstrap_servers=asked["bootstrap_servers"],
        group_id=asked["run"],
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=asked["bootstrap_servers"], acks="all", max_batch_size=256 * 1024
    )
    await producer.start()
    await producer.partitions_for(target)
    meter = Meter(asked.get("profile"))
    meter.start()
    await consumer.start()
    most = MOST_PAGES if asked["kind"].startswith("pages") else MOST_RECORDS
    done = 0
    while done < asked["records"]:
        fetched = await consumer.getmany(timeout_ms=200, max_records=most)
        if not fetched:
            continue
        count, messages = handle(fetched)
        await send(producer, target, messages, events=events)
        await consumer.commit()
        done += count
    meter.stop(done)
    await consumer.stop()
    await producer.stop()


if __name__ == "__main__":
    asyncio.run(main())
