"""From events to the rules, and from their effects to rows and events, in one transaction."""

import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple, assert_never

from lineshaft.common.clock import Clock, now
from lineshaft.common.errors import RetryableError
from lineshaft.common.events.access import AccessChecked
from lineshaft.common.events.calls import Call
from lineshaft.common.events.commands import (
    AccessCheckRequested,
    BreakerForced,
    DiagnosisRequested,
    HealthPurgeRequested,
    IssueMuted,
    ProbeRequested,
    TrialRequested,
)
from lineshaft.common.events.connections import ConnectionDescribed, Lifecycle
from lineshaft.common.events.diagnoses import ConnectionDiagnosed
from lineshaft.common.events.drift import MappingDrifted, SchemaAccepted
from lineshaft.common.events.envelope import Event, new_event
from lineshaft.common.events.health import StatusDescribed
from lineshaft.common.events.mappings import MappingChanged
from lineshaft.common.events.purges import purged
from lineshaft.common.events.syncs import SyncEvent
from lineshaft.common.ids import derived_id
from lineshaft.common.outcomes import Outcome
from lineshaft.common.postgres import outbox, tombstones
from lineshaft.common.postgres.pool import Connection
from lineshaft.health_monitor.adapters import outages, postgres
from lineshaft.health_monitor.adapters.outages import OF_ALL
from lineshaft.health_monitor.domain.breaker import Chance
from lineshaft.health_monitor.domain.confirming import MOST, PAUSE
from lineshaft.health_monitor.domain.effects import (
    AccessCheckWanted,
    Announced,
    Answered,
    Described,
    Effect,
    IssueChanged,
    LadderWanted,
    Noted,
    ProbeWanted,
)
from lineshaft.health_monitor.domain.rules import NO_LABELS, Input, Tick, apply, due_at
from lineshaft.health_monitor.domain.sharing import SharedOutage
from lineshaft.health_monitor.domain.state import ConnectionState, tombstone
from lineshaft.health_monitor.domain.thresholds import Thresholds

SOURCE = "health-monitor"


class Given(NamedTuple):
    connection_id: str
    input: Input
    event_id: str
    cause: Event[Any] | None


class Handlers:
    def __init__(
        self,
        thresholds: Thresholds,
        clock: Clock = now,
        chance: Chance = random.random,
        *,
        at_once: int = 3,
        labels: Mapping[str, str] = NO_LABELS,
    ) -> None:
        """`at_once`: so many refusals of one system within ten minutes may be the fault of its directory.

        `labels` are the names of systems as people know them.
        """
        self._labels = labels
        self._at_once = at_once
        self._thresholds = thresholds
        self._clock = clock
        self._chance = chance

    async def on_calls(
        self,
        tx: Connection,
        events: Sequence[Event[Call | ConnectionDiagnosed | SchemaAccepted | AccessChecked]],
    ) -> None:
        states = await self._on_events(tx, events)
        kept = [event for event in events if not states[event.data.connection_id].deleted]
        await postgres.save_ladders(
            tx, [event.data for event in kept if isinstance(event.data, ConnectionDiagnosed)]
        )
        await postgres.add_errors(tx, [event for event in kept if _failed(event.data)])

    async def on_connections(self, tx: Connection, events: Sequence[Event[ConnectionDescribed]]) -> None:
        await self._on_events(tx, events)

    async def on_sync_events(self, tx: Connection, events: Sequence[Event[SyncEvent]]) -> None:
        await self._on_events(tx, events)

    async def on_mappings(self, tx: Connection, events: Sequence[Event[MappingChanged]]) -> None:
        await self._on_events(tx, events)

    async def on_mapping_events(self, tx: Connection, events: Sequence[Event[MappingDrifted]]) -> None:
        await self._on_events(tx, events)

    async def on_commands(
        self,
        tx: Connection,
        events: Sequence[Event[BreakerForced | IssueMuted | TrialRequested | HealthPurgeRequested]],
    ) -> None:
        orders = [event for event in events if not isinstance(event.data, HealthPurgeRequested)]
        if orders:
            await self._on_events(tx, orders)
        for event in events:
            if isinstance(event.data, HealthPurgeRequested):
                await self._purge(tx, event)

    async def _purge(self, tx: Connection, event: Event[Any]) -> None:
        """Once its end was announced, of which `connections` tells.

        Raises:
            RetryableError: that has not come yet.
        """
        connection_id = event.data.connection_id
        await tombstones.bury(tx, connection_id)
        state = (await postgres.lock_states(tx, [connection_id]))[connection_id]
        if state.lifecycle is None:
            state = state.model_copy(update={"lifecycle": Lifecycle.DELETED})
        if not state.deleted:
            raise RetryableError(f"{connection_id}: its deletion has not been told yet")
        await self._save(tx, {connection_id: state}, {})
        rows = await postgres.purge(tx, connection_id)
        await outbox.add_events(tx, [purged(event.data, SOURCE, rows, self._clock(), event)])

    async def find_due(self, connection: Connection, limit: int) -> list[str]:
        return await postgres.find_due(connection, self._clock(), limit)

    async def on_due(self, tx: Connection, connection_ids: Sequence[str]) -> int:
        """Work those that are due and that no other replica is at; how many."""
        moment = self._clock()
        states = await postgres.lock_due_states(tx, connection_ids, moment)
        await self._work(
            tx,
            states,
            [Given(name, Tick(), derived_id("due", name, moment.isoformat()), None) for name in states],
        )
        return len(states)

    async def set_aside(self, tx: Connection, connection_id: str, pause: timedelta) -> None:
        await postgres.set_aside(tx, connection_id, self._clock() + pause)

    async def _on_events(self, tx: Connection, events: Sequence[Event[Any]]) -> dict[str, ConnectionState]:
        states = await postgres.lock_states(tx, [event.data.connection_id for event in events])
        await self._work(
            tx, states, [Given(event.data.connection_id, event.data, event.id, event) for event in events]
        )
        return states

    async def _work(
        self, tx: Connection, states: dict[str, ConnectionState], inputs: Iterable[Given]
    ) -> None:
        shared = await _shared_outages(tx)
        suspected = await self._suspected(tx, states.values())
        done: list[tuple[Given, int, Effect]] = []
        for given in inputs:
            state = states[given.connection_id]
            states[given.connection_id], effects = apply(
                state,
                given.input,
                event_id=given.event_id,
                thresholds=self._thresholds,
                now=self._clock(),
                chance=self._chance,
                labels=self._labels,
                shared=shared.get((state.system, state.host))
                or shared.get((state.system, ""))
                or shared.get(OF_ALL),
                suspected=state.system in suspected,
            )
            done += [(given, number, effect) for number, effect in enumerate(effects)]
        described = {
            given.connection_id: effect.data for given, _, effect in done if isinstance(effect, Described)
        }
        await self._save(tx, states, described)
        await _carry_out(tx, [one for one in done if not (isinstance(one[2], Described) and not one[2].news)])

    async def _suspected(self, tx: Connection, states: Iterable[ConnectionState]) -> frozenset[str]:
        """Systems that refused the credentials of several connections at once."""
        wait = self._thresholds.confirm_after
        systems = {state.system for state in states if state.rejection is not None}
        if wait is None or not systems:
            return frozenset()
        since = self._clock() - wait * 2 - MOST * 2 * PAUSE
        return await postgres.refusing_systems(tx, systems, since, self._at_once)

    async def _save(
        self, tx: Connection, states: dict[str, ConnectionState], described: Mapping[str, StatusDescribed]
    ) -> None:
        moment = self._clock()
        states |= {name: tombstone(state) for name, state in states.items() if state.deleted}
        await postgres.save_states(
            tx,
            states,
            {name: due_at(state, self._thresholds, moment) for name, state in states.items()},
            {name: said for name, said in described.items() if not states[name].deleted},
        )


def _failed(data: Call | ConnectionDiagnosed | SchemaAccepted | AccessChecked) -> bool:
    return isinstance(data, Call) and data.outcome is not Outcome.OK


async def _shared_outages(tx: Connection) -> dict[tuple[str, str], SharedOutage]:
    return {
        key: SharedOutage(
            outage.outage_id,
            outage.mark,
            outage.hold_back_until,
            cleared=bool(outage.host or outage.ours) and outage.cleared_at is not None,
            own_network_since=outage.began_at if outage.ours else None,
        )
        for key, (outage, _) in (await outages.open_outages(tx)).items()
    }


async def _carry_out(tx: Connection, done: Sequence[tuple[Given, int, Effect]]) -> None:
    """Rows first, then events; of several descriptions of one connection the last one says it all."""
    issues: list[IssueChanged] = []
    lines: list[tuple[str, Noted]] = []
    events: list[Event[Any]] = []
    described: dict[str, Event[Any]] = {}
    for given, number, effect in done:
        key, cause = given.connection_id, given.cause
        match effect:
            case IssueChanged():
                issues.append(effect)
            case Noted():
                lines.append((derived_id("tln", given.event_id, effect.kind, number), effect))
            case Announced():
                events.append(
                    new_event(effect.data, source=SOURCE, key=key, event_id=effect.event_id, cause=cause)
                )
            case Answered():
                events.append(new_event(effect.data, source=SOURCE, key=key, cause=cause))
            case Described():
                described[key] = new_event(effect.data, source=SOURCE, key=key, cause=cause)
            case ProbeWanted():
                probe = ProbeRequested(
                    command_id=effect.command_id,
                    connection_id=key,
                    despite_rejection=effect.despite_rejection,
                )
                events.append(new_event(probe, source=SOURCE, key=key, event_id=effect.command_id))
            case LadderWanted():
                ladder = DiagnosisRequested(command_id=effect.command_id, connection_id=key, may_call=False)
                events.append(new_event(ladder, source=SOURCE, key=key, event_id=effect.command_id))
            case AccessCheckWanted():
                check = AccessCheckRequested(command_id=effect.command_id, connection_id=key)
                events.append(new_event(check, source=SOURCE, key=key, event_id=effect.command_id))
            case _:
                assert_never(effect)
    await postgres.save_issues(tx, issues)
    await postgres.add_timeline(tx, lines)
    await outbox.add_events(tx, [*described.values(), *events])
