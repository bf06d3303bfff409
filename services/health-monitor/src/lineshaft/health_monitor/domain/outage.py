"""When the failures of many connections are one outage of their source, said once.

recognized -> announced    it still lasts when the hold is over
recognized -> cleared      the source works again: enough probes succeeded, or too few connections fail
cleared    -> recognized   it fails again within the quiet time
cleared    -> resolved     it stayed well for the quiet time; only now its recovery is told

An outage of one host has a breaker: no connection of the host is called, and one probe at a time is made
for all of them. An outage of a system, over several hosts, has none: each host answers for itself.

Where hosts of several systems go out of reach together and next to nothing works any more, it is none of
them: our own network is out (`system` and `host` empty). It has no breaker either.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

from lineshaft.common.events.health import SystemEvent, SystemOutage, SystemRecovered
from lineshaft.common.ids import derived_id
from lineshaft.common.outcomes import Fault, Rung
from lineshaft.health_monitor.domain import breaker as breakers
from lineshaft.health_monitor.domain.breaker import CLOSED, BreakerRules, BreakerState, Chance
from lineshaft.health_monitor.domain.observer import Moment

PROBE_ALLOWANCE = timedelta(seconds=60)
"""Connections hold back for this long after the probe of their host is due, for it is to be the only one."""


@dataclass(frozen=True, slots=True)
class OutageRules:
    connections: int = 3
    """So many must fail."""
    ratio: float = 0.5
    """And this share of those that were heard of lately, for an outage over several hosts."""
    lately: timedelta = timedelta(minutes=15)
    own_systems: int = 2
    """So many systems must be out of reach for our own network to be at fault."""
    own_ratio: float = 0.8
    """And this share of the connections that were heard of since."""
    own_settled: timedelta = timedelta(seconds=5)
    """Time to hear of some that work."""
    hold: timedelta = timedelta(seconds=45)
    quiet: timedelta = timedelta(minutes=2)
    breaker: BreakerRules = field(default_factory=BreakerRules)


@dataclass(frozen=True, slots=True)
class Group:
    """What is known of the active connections of one host, of a whole system (`host` empty), or of all."""

    system: str
    host: str
    down: int = 0
    working: int = 0
    """Heard to work lately, and since the first went down."""
    since: datetime | None = None
    ok_at: datetime | None = None
    """When any of them was last heard to work."""
    error_at: datetime | None = None
    fault: Fault = Fault.NETWORK
    rung: Rung | None = None
    hosts: int = 1
    systems: int = 1
    together_since: datetime | None = None
    """Of all: when the last of as many hosts as make an outage began to fail."""


class Outage(BaseModel):
    model_config = ConfigDict(frozen=True)

    outage_id: str
    system: str
    host: str
    fault: Fault
    rung: Rung | None = None
    began_at: datetime
    """When the first connection failed."""
    opened_at: datetime
    announced_at: datetime | None = None
    cleared_at: datetime | None = None
    resolved_at: datetime | None = None
    connections: int = 0
    breaker: BreakerState = CLOSED
    probes: int = 0
    probed_at: datetime | None = None
    """While the answer is awaited."""

    @property
    def ours(self) -> bool:
        """Of our own network."""
        return not self.system

    @property
    def hold_back_until(self) -> datetime | None:
        """No connection of the host is to be called before this, but for the probe."""
        if not self.host or self.cleared_at is not None:
            return None
        due = self.breaker.retry_at or self.probed_at
        return due + PROBE_ALLOWANCE if due else None

    @property
    def mark(self) -> str:
        """Changes when its connections must take notice."""
        until = self.cleared_at if self.ours else self.hold_back_until
        return f"{self.outage_id}/{until.isoformat() if until else ''}"


@dataclass(slots=True)
class OutageTurn:
    outage: Outage | None
    announced: type[SystemEvent] | None = None
    probe: str | None = None
    """The id of a probe to be made through one of the connections."""


def turn(
    outage: Outage | None, group: Group, rules: OutageRules, now: datetime, chance: Chance
) -> OutageTurn:
    """One look at a group of connections."""
    if outage is None:
        if not _is_outage(group, rules) or group.since is None or not _settled(group, rules, now):
            return OutageTurn(None)
        outage = _recognized(group, group.since, rules, now, chance)
    outage = outage.model_copy(update={"connections": max(outage.connections, group.down)})
    result = OutageTurn(outage)
    if outage.host:
        _probe(result, outage, group, rules, Moment(now, chance))
    elif _is_outage(group, rules):
        result.outage = outage.model_copy(update={"cleared_at": None})
    elif outage.cleared_at is None:
        result.outage = outage.model_copy(update={"cleared_at": now})
    _tell(result, rules, now)
    return result


def _is_outage(group: Group, rules: OutageRules) -> bool:
    """At one host nothing may work; over several hosts most must fail; over several systems nearly all."""
    if group.down < rules.connections:
        return False
    if group.host:
        return group.working == 0
    if not group.system:
        several = group.hosts >= rules.connections and group.systems >= rules.own_systems
        return several and group.down >= rules.own_ratio * (group.down + group.working)
    return group.down >= rules.ratio * (group.down + group.working)


def _settled(group: Group, rules: OutageRules, now: datetime) -> bool:
    return group.together_since is None or now >= group.together_since + rules.own_settled


def _recognized(group: Group, since: datetime, rules: OutageRules, now: datetime, chance: Chance) -> Outage:
    return Outage(
        outage_id=derived_id("out", group.system, group.host, since.isoformat(), now.isoformat()),
        system=group.system,
        host=group.host,
        fault=group.fault if group.system else Fault.PLATFORM,
        rung=group.rung,
        began_at=since,
        opened_at=now,
        breaker=breakers.opened(CLOSED, rules.breaker, now, chance) if group.host else CLOSED,
    )


def _probe(result: OutageTurn, outage: Outage, group: Group, rules: OutageRules, moment: Moment) -> None:
    """Count what was heard since the last look, then ask anew where that is due."""
    now, chance = moment
    if outage.cleared_at is not None:
        if _is_outage(group, rules):
            again = breakers.opened(outage.breaker, rules.breaker, now, chance)
            result.outage = outage.model_copy(
                update={"cleared_at": None, "breaker": again, "probed_at": None}
            )
        return
    breaker = breakers.ripened(outage.breaker, now)
    heard = {at: failed for at, failed in ((group.ok_at, False), (group.error_at, True)) if at is not None}
    latest = max(heard, default=None)
    if outage.probed_at is not None and latest is not None and latest > outage.probed_at:
        counted = (
            breakers.failed(breaker, rules.breaker, now, chance)
            if heard[latest]
            else breakers.succeeded(breaker, rules.breaker, now)
        )
        update: dict[str, object] = {"breaker": counted, "probed_at": None}
        if not counted.tripped:
            update["cleared_at"] = now
        outage = outage.model_copy(update=update)
        breaker = counted
    else:
        outage = outage.model_copy(update={"breaker": breaker})
    if breaker.state == "half_open" and _may_ask(outage, rules, now):
        outage = outage.model_copy(update={"probes": outage.probes + 1, "probed_at": now})
        result.probe = derived_id("cmd", outage.outage_id, "probe", outage.probes)
    result.outage = outage


def _may_ask(outage: Outage, rules: OutageRules, now: datetime) -> bool:
    """One at a time; another one where the last was never answered."""
    if outage.probed_at is None:
        return True
    return now >= outage.probed_at + breakers.open_time(outage.breaker.openings, rules.breaker, lambda: 1.0)


def _tell(result: OutageTurn, rules: OutageRules, now: datetime) -> None:
    outage = result.outage
    if outage is None:
        return
    if outage.cleared_at is not None and now >= outage.cleared_at + rules.quiet:
        result.outage = outage.model_copy(update={"resolved_at": now})
        result.announced = SystemRecovered if outage.announced_at is not None else None
    elif outage.cleared_at is None and outage.announced_at is None and now >= outage.opened_at + rules.hold:
        result.outage = outage.model_copy(update={"announced_at": now})
        result.announced = SystemOutage
