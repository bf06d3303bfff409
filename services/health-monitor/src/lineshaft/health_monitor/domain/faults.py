"""From facts to faults: what is wrong now, the gravest first."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from lineshaft.common.events.health import Evidence
from lineshaft.common.outcomes import Fault, Operation, Rung, Scope
from lineshaft.health_monitor.domain.state import (
    Confidence,
    ConnectionState,
    LadderFinding,
    ScopeState,
    Stop,
)

GRAVEST_FIRST = (
    Fault.CREDENTIALS,
    Fault.NETWORK,
    Fault.SOURCE_DOWN,
    Fault.PERMISSION,
    Fault.CONFIGURATION,
    Fault.SOURCE_RATE_LIMIT,
    Fault.PLATFORM,
)
EVIDENCE_SHOWN = 10
ENOUGH_REFUSALS = 3
HIDDEN_BY_SOURCES = frozenset({Fault.PERMISSION, Fault.CONFIGURATION})
"""Sources answer alike where something is forbidden, gone, or the account is no longer one."""
LEAST_FIRST: tuple[Confidence, ...] = ("low", "medium", "high")


@dataclass(frozen=True, slots=True)
class ActiveFault:
    fault: Fault
    scope: Scope
    since: datetime
    objects: tuple[str, ...] = ()
    operations: tuple[Operation, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    confidence: Confidence = "high"
    rung: Rung | None = None
    host: str = ""
    code: str | None = None
    order_id: str = ""
    ordered_by: str = ""
    """An operator, where it is an order."""
    reason: str = ""
    fields: tuple[str, ...] = ()
    ladder: LadderFinding | None = None
    ours: bool = False
    """Our own network is out."""

    @property
    def rank(self) -> tuple[bool, int]:
        """What touches everything comes before what touches some objects."""
        return (self.scope is not Scope.ALL, GRAVEST_FIRST.index(self.fault))


def active_faults(state: ConnectionState, now: datetime) -> list[ActiveFault]:
    """One per kind of fault."""
    found = [*_of_everything(state, now)]
    everywhere = {fault.fault for fault in found}
    if state.stops and Fault.PLATFORM not in everywhere:
        found.append(_stopped(Scope.ENTITIES, tuple(sorted(state.stops)), tuple(state.stops.values())))
    for fault in GRAVEST_FIRST:
        broken = [scope for scope in state.scopes.values() if scope.broken and scope.fault is fault]
        if broken and fault not in everywhere:
            found.append(_of_objects(state, fault, broken))
    return sorted(found, key=lambda fault: fault.rank)


def _of_everything(state: ConnectionState, now: datetime) -> Iterable[ActiveFault]:
    if state.rejection is not None:
        yield ActiveFault(
            Fault.CREDENTIALS,
            Scope.ALL,
            state.rejection.since,
            evidence=state.rejection.evidence,
            confidence=state.rejection.confidence,
            code=state.rejection.code,
        )
    whole = state.whole
    if whole.broken and whole.fault is not None:
        ours = "" not in state.stops and _by_our_own_network(state)
        yield ActiveFault(
            Fault.PLATFORM if ours else whole.fault,
            Scope.ALL,
            whole.failing_since or now,
            evidence=whole.evidence,
            confidence="medium" if ours else whole.confidence,
            ours=ours,
            rung=whole.rung,
            host=whole.host,
            code=whole.code,
            ladder=state.ladder,
        )
    if "" in state.stops:
        yield _stopped(Scope.ALL, (), (state.stops[""],))
    if state.limit is not None and state.limit.until > now:
        yield ActiveFault(
            Fault.SOURCE_RATE_LIMIT,
            Scope.ALL,
            state.limit.since,
            evidence=state.limit.evidence,
            code=state.limit.code,
        )


def _by_our_own_network(state: ConnectionState) -> bool:
    """Not what was told as the source's own already, or began before our network was out."""
    told = state.issues.get(Fault.NETWORK)
    since = state.whole.failing_since
    return (
        state.whole.fault is Fault.NETWORK
        and state.own_outage_since is not None
        and since is not None
        and since >= state.own_outage_since
        and (told is None or told.announced_at is None)
    )


def _stopped(scope: Scope, objects: tuple[str, ...], stops: tuple[Stop, ...]) -> ActiveFault:
    first = min(stops, key=lambda stop: stop.since)
    return ActiveFault(
        Fault.PLATFORM,
        scope,
        first.since,
        objects,
        order_id=first.order_id,
        ordered_by=first.actor,
        reason=first.reason,
    )


def _of_objects(state: ConnectionState, fault: Fault, broken: list[ScopeState]) -> ActiveFault:
    objects = tuple(sorted({scope.object for scope in broken if scope.object}))
    operations = tuple(sorted({scope.operation for scope in broken}))
    evidence = sorted((item for scope in broken for item in scope.evidence), key=lambda item: item.at)
    extent = _extent(state, fault, broken, objects, operations)
    since = min(scope.failing_since or evidence[0].at for scope in broken)
    return ActiveFault(
        fault,
        extent,
        since,
        objects,
        operations,
        tuple(evidence[-EVIDENCE_SHOWN:]),
        _confidence(state, fault, broken, since, everything=extent is Scope.ALL),
        broken[0].rung,
        broken[0].host,
        broken[0].code,
        fields=tuple(sorted({f"{scope.object}.{scope.field}" for scope in broken if scope.field})),
    )


def _confidence(
    state: ConnectionState, fault: Fault, broken: list[ScopeState], since: datetime, *, everything: bool
) -> Confidence:
    """As sure as the least certain answer; where the source hides the cause, what else works decides.

    A refusal of everything may be one of the account itself, until something proves the credentials. An
    object that times out while others answer may as well be slow as out of reach.
    """
    least = min((scope.confidence for scope in broken), key=LEAST_FIRST.index)
    if fault is Fault.NETWORK:
        return "low"
    if least == "high" or fault not in HIDDEN_BY_SOURCES:
        return least
    if state.whole.last_ok_at is not None and state.whole.last_ok_at > since:
        return "medium"
    return "low" if everything else least


def _extent(
    state: ConnectionState,
    fault: Fault,
    broken: list[ScopeState],
    objects: tuple[str, ...],
    operations: tuple[Operation, ...],
) -> Scope:
    """All, if every object that we know of is refused and nothing works; one refusal is not enough."""
    readable = any(
        scope.object in objects and not scope.broken and scope.operation is Operation.READ
        for scope in state.scopes.values()
    )
    if operations == (Operation.WRITE,) and readable and not all(scope.field for scope in broken):
        return Scope.OPERATION
    refusals = sum(scope.breaker.failures for scope in broken)
    enough = len(objects) > 1 or (fault is Fault.PERMISSION and refusals >= ENOUGH_REFUSALS)
    if fault in HIDDEN_BY_SOURCES and enough and set(state.known_objects) <= set(objects):
        return Scope.ALL
    if all(scope.field for scope in broken):
        return Scope.FIELD
    return Scope.ENTITIES
