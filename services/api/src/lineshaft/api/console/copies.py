"""What a page shows, as code that gets it: with curl, the Python client, or from Kafka."""

from lineshaft.common.topics import entity_topic_name

Copies = dict[str, str]
"""What a button says to what it copies."""


def of_list(url: str, route: str, entity: str, connection_id: str) -> Copies:
    return {
        "curl": _curl(url, f"{route}?limit=100", connection_id),
        "Python": _python(url, connection_id)
        + f"    for record in connection.records({route!r}).list():\n        print(record)\n",
        "Kafka consumer": _consumer(entity, connection_id),
    }


def of_record(url: str, route: str, record_id: str, connection_id: str) -> Copies:
    return {
        "curl": _curl(url, f"{route}/{record_id}?include=raw", connection_id),
        "Python": _python(url, connection_id)
        + f"    print(connection.records({route!r}).get({record_id!r}, include=('raw',)))\n",
    }


def _curl(url: str, path: str, connection_id: str) -> str:
    """With a token the connection needs no name; with an admin key it does."""
    separator = "&" if "?" in path else "?"
    address = f"{url}/v1/{path}{separator}connection_id={connection_id}"
    return f"curl -H \"Authorization: Bearer $LINESHAFT_KEY\" '{address}'"


def _python(url: str, connection_id: str) -> str:
    return (
        "import os\n\n"
        "from lineshaft.client import Lineshaft\n\n"
        f"with Lineshaft({url!r}, os.environ['LINESHAFT_KEY']) as lineshaft:\n"
        f"    connection = lineshaft.connection({connection_id!r})\n"
    )


def _consumer(entity: str, connection_id: str) -> str:
    topic = entity_topic_name(entity).removeprefix("entities.")
    return f"""import asyncio
import os

from lineshaft.client.entities import consume


async def follow() -> None:
    brokers = os.environ["KAFKA_BOOTSTRAP_SERVERS"]
    async with consume([{topic!r}], bootstrap_servers=brokers, group_id="our-product") as consumer:
        async for batch in consumer.batches():
            for event in batch:
                if event.connection_id == {connection_id!r}:
                    print(event)


asyncio.run(follow())
"""
