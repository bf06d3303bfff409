"""Looks at all connections together: is what many of them suffer from one outage of their source?"""

import random
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from lineshaft.common.clock import Clock, now
from lineshaft.common.events.commands import ProbeRequested
from lineshaft.common.events.envelope import Event, new_event
from lineshaft.common.events.health import SystemEvent
from lineshaft.common.ids import derived_id
from lineshaft.common.logs import logger
from lineshaft.common.outcomes import Fault
from lineshaft.common.postgres import outbox
from lineshaft.common.postgres.pool import Connection
from lineshaft.health_monitor.adapters import outages
from lineshaft.health_monitor.adapters.outages import OF_ALL, OpenOutage
from lineshaft.health_monitor.domain.breaker import Chance
from lineshaft.health_monitor.domain.outage import Group, Outage, OutageRules, turn
from lineshaft.health_monitor.domain.outage_words import describe
from lineshaft.health_monitor.domain.rules import NO_LABELS

SOURCE = "health-monitor"

log = logger(__name__)


class OutageWatch:
    """Any number of replicas may look; one at a time does, and what it finds is in the database."""

    def __init__(
        self,
        rules: OutageRules,
        clock: Clock = now,
        chance: Chance = random.random,
        *,
        labels: Mapping[str, str] = NO_LABELS,
    ) -> None:
        self._labels = labels
        self._rules = rules
        self._clock = clock
        self._chance = chance

    async def look(self, tx: Connection) -> bool:
        """Whether it was our turn."""
        if not await outages.lock(tx):
            return False
        moment = self._clock()
        known = await outages.open_outages(tx)
        own = await self._judge_our_own_network(tx, known.pop(OF_ALL, None), moment)
        groups = {
            (group.system, group.host): group
            for group in await outages.groups(tx, moment, self._rules.lately)
        }
        for system, host in known.keys() - groups.keys():
            groups[system, host] = Group(system, host)
        spoken_for: Counter[str] = Counter()
        standing: list[Outage] = [own] if own else []
        for key in sorted(groups, key=lambda key: (key[1] == "", key)):
            group = groups[key]
            if own is not None and not _stands_by_itself(known.get(key), group):
                await self._withdraw(tx, known.get(key), moment)
                continue
            if not group.host:
                group = _without(group, spoken_for[group.system])
            outage = await self._judge(tx, known.get(key), group)
            if outage is not None and outage.resolved_at is None:
                standing.append(outage)
                spoken_for[group.system] += group.down if group.host else 0
        await outages.wake_members(tx, standing, moment)
        return True

    async def _judge_our_own_network(
        self, tx: Connection, known: OpenOutage | None, moment: datetime
    ) -> Outage | None:
        """Our own network, as long as it is out or was so just now."""
        since = known.outage.began_at if known else moment - self._rules.lately
        group = await outages.all_together(tx, since, self._rules.connections)
        outage = await self._judge(tx, known, group)
        return outage if outage is not None and outage.resolved_at is None else None

    async def _withdraw(self, tx: Connection, known: OpenOutage | None, moment: datetime) -> None:
        """It was that of our own network, and nobody was told."""
        if known is not None:
            ended = known.outage.model_copy(update={"resolved_at": moment})
            await outages.save(tx, ended, known.probe_connection_id)

    async def _judge(self, tx: Connection, known: OpenOutage | None, group: Group) -> Outage | None:
        before = known.outage if known else None
        result = turn(before, group, self._rules, self._clock(), self._chance)
        if result.outage is None or (result.outage == before and not result.probe):
            return result.outage
        probing = known.probe_connection_id if known else None
        events: list[Event[Any]] = []
        if result.probe is not None:
            probing = await outages.probe_candidate(tx, result.outage, probing)
            if probing is not None:
                command = ProbeRequested(command_id=result.probe, connection_id=probing)
                events.append(new_event(command, source=SOURCE, key=probing, event_id=result.probe))
        if result.announced is not None:
            events.append(await self._announcement(tx, result.outage, result.announced))
        await outages.save(tx, result.outage, probing)
        await outbox.add_events(tx, events)
        return result.outage

    async def _announcement(self, tx: Connection, outage: Outage, kind: type[SystemEvent]) -> Event[Any]:
        connection_ids = await outages.down_connections(tx, outage)
        label = self._labels.get(outage.system, outage.system)
        data = describe(outage, kind, connection_ids, self._clock(), label)
        log.info("outage", told=data.event_type, system=outage.system, host=outage.host)
        return new_event(
            data,
            source=SOURCE,
            key=f"{outage.system}/{outage.host}",
            event_id=derived_id("evt", outage.outage_id, data.event_type),
        )


def _stands_by_itself(known: OpenOutage | None, group: Group) -> bool:
    """While our own network is out: what was told before, and what answers with errors of its own."""
    if known is None:
        return group.fault is not Fault.NETWORK
    return known.outage.announced_at is not None or known.outage.fault is not Fault.NETWORK


def _without(group: Group, down: int) -> Group:
    """What outages of single hosts speak for already."""
    return Group(
        system=group.system,
        host=group.host,
        down=max(0, group.down - down),
        working=group.working,
        since=group.since,
        fault=group.fault,
        rung=group.rung,
    )
