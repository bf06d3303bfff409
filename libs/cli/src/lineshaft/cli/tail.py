"""`lineshaft tail ENTITY...`: entities as they change, one line of JSON each."""

from typing import Annotated

import typer

from lineshaft.cli.brokers import kafka_settings, on_kafka
from lineshaft.client import exact_json
from lineshaft.client.entities import EntityEvent, consume
from lineshaft.common.unified import ENTITIES

app = typer.Typer(add_completion=False)


@app.command()
def tail(
    entities: Annotated[list[str], typer.Argument(help="`work_order vendor`; `custom` has all own objects.")],
    *,
    connection: Annotated[str | None, typer.Option(help="Only of this connection.")] = None,
    from_beginning: Annotated[bool, typer.Option(help="What there is, before what comes.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="End after so many.")] = None,
) -> None:
    """Entities as they change, one line of JSON each, until it is stopped."""
    known = (*ENTITIES, "custom")
    if unknown := [name for name in entities if name not in known]:
        raise typer.BadParameter(f"there is no entity {unknown[0]!r}; there are {', '.join(known)}")
    on_kafka(_follow(entities, connection, limit, from_beginning=from_beginning))


async def _follow(
    entities: list[str], connection: str | None, limit: int | None, *, from_beginning: bool
) -> None:
    settings = kafka_settings()
    shown = 0
    async with consume(
        entities,
        bootstrap_servers=settings.kafka_bootstrap_servers,
        group_id=None,
        prefix=settings.topic_prefix,
        from_beginning=from_beginning,
        **settings.kafka_security.for_client(),
    ) as consumer:
        async for batch in consumer.batches():
            for event in batch:
                if connection is None or event.connection_id == connection:
                    typer.echo(_line(event))
                    shown += 1
                    if shown == limit:
                        return


def _line(event: EntityEvent) -> str:
    return exact_json.encode({"deleted": event.deleted, **event.document}).decode()
