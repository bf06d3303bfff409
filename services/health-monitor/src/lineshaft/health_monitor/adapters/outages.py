"""Outages of sources: recognized from the states of their connections, kept in rows of their own."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from lineshaft.common.outcomes import Fault, Rung
from lineshaft.common.postgres.pool import Connection
from lineshaft.health_monitor.adapters.postgres import SQL
from lineshaft.health_monitor.domain.outage import Group, Outage

NAMED_CONNECTIONS = 1000
OF_ALL = ("", "")
"""Where a system and a host stand: those of all connections, for our own network."""


class OpenOutage(NamedTuple):
    outage: Outage
    probe_connection_id: str | None


async def lock(tx: Connection) -> bool:
    return bool(await tx.fetchval(SQL["outages_lock"]))


async def groups(tx: Connection, now: datetime, lately: timedelta) -> list[Group]:
    """Of hosts and, with an empty host, of systems."""
    return [
        Group(
            system=row["system"],
            host=row["host"] or "",
            down=row["down"],
            working=row["working"],
            since=row["since"],
            ok_at=row["ok_at"],
            error_at=row["error_at"],
            fault=Fault(row["fault"]) if row["fault"] else Fault.NETWORK,
            rung=Rung(row["rung"]) if row["rung"] else None,
        )
        for row in await tx.fetch(SQL["groups"], now - lately)
        if row["host"] != ""
    ]


async def all_together(tx: Connection, since: datetime, hosts: int) -> Group:
    """Of all connections that went out of reach since then; `hosts` make an outage."""
    [row] = await tx.fetch(SQL["all_together"], since, hosts)
    return Group(
        *OF_ALL,
        down=row["down"],
        working=row["working"],
        since=row["since"],
        rung=Rung(row["rung"]) if row["rung"] else None,
        hosts=row["hosts"],
        systems=row["systems"],
        together_since=row["together_since"],
    )


async def open_outages(tx: Connection) -> dict[tuple[str, str], OpenOutage]:
    """By system and host."""
    found = {}
    for row in await tx.fetch(SQL["open_outages"]):
        outage = Outage.model_validate(row["document"])
        found[outage.system, outage.host] = OpenOutage(outage, row["probe_connection_id"])
    return found


async def save(tx: Connection, outage: Outage, probe_connection_id: str | None) -> None:
    await tx.execute(
        SQL["save_outage"],
        outage.outage_id,
        outage.system,
        outage.host,
        outage.model_dump(mode="json"),
        outage.opened_at,
        outage.announced_at,
        outage.cleared_at,
        outage.resolved_at,
        probe_connection_id,
    )


async def probe_candidate(tx: Connection, outage: Outage, last: str | None) -> str | None:
    """A connection to probe the host with."""
    found: str | None = await tx.fetchval(SQL["probe_candidate"], outage.system, outage.host, last)
    return found


async def down_connections(tx: Connection, outage: Outage) -> list[str]:
    rows = await tx.fetch(SQL["down_connections"], outage.system, outage.host, NAMED_CONNECTIONS)
    return [row["connection_id"] for row in rows]


async def wake_members(tx: Connection, outages: Sequence[Outage], now: datetime) -> None:
    """Those that have not taken notice of what became of the outage of their source."""
    for outage in outages:
        others = [other for other in outages if other.system and outage.system in {"", other.system}]
        await tx.execute(
            SQL["wake_members"],
            outage.system,
            outage.host,
            outage.mark,
            now,
            [other.host for other in others if other.host],
            [other.system for other in others if not other.host and outage.ours],
        )
    await tx.execute(SQL["wake_left_behind"], now)
