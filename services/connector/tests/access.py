"""A check of rights, asked for as the monitor does."""

from collections.abc import Mapping
from typing import Any

from lineshaft.common.events.commands import AccessCheckRequested
from lineshaft.common.ids import new_id

from .rig import Rig

Permissions = Mapping[tuple[str, str], dict[str, Any]]
"""By object and verb."""


async def check(rig: Rig, connection_id: str) -> dict[str, Any]:
    command = AccessCheckRequested(command_id=new_id("cmd"), connection_id=connection_id)
    await rig.ask(command)
    await rig.carry_out()
    return await rig.answer(command.command_id)


async def checked(rig: Rig, connection_id: str) -> list[dict[str, Any]]:
    return [
        one["data"]
        for one in await rig.outbox("connection.calls")
        if one["type"] == "connection.access_checked" and one["key"] == connection_id
    ]


def by_verb(event: dict[str, Any]) -> Permissions:
    return {(one["object"], one["verb"]): one for one in event["permissions"]}


async def permissions(rig: Rig, connection_id: str) -> Permissions:
    """Of a check that is made now."""
    assert (await check(rig, connection_id))["problem"] is None
    return by_verb((await checked(rig, connection_id))[-1])
