"""Events and steps with everything filled in that a test does not care about."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from lineshaft.common.events.calls import Call
from lineshaft.common.events.commands import BreakerForced, CommandCompleted, IssueMuted, TrialRequested
from lineshaft.common.events.connections import ConnectionDescribed
from lineshaft.common.events.diagnoses import ConnectionDiagnosed, RungResult
from lineshaft.common.events.health import ConnectionEvent, StatusDescribed
from lineshaft.common.events.syncs import ObjectResult, SyncCompleted, SyncFailed, SyncMode, SyncResult
from lineshaft.common.outcomes import Fault, LadderRung, Operation, Outcome, RungStatus
from lineshaft.health_monitor.domain.effects import (
    Announced,
    Answered,
    Described,
    Effect,
    IssueChanged,
    LadderWanted,
    Noted,
    ProbeWanted,
)
from lineshaft.health_monitor.domain.rules import Input, Tick, apply, due_at
from lineshaft.health_monitor.domain.state import ConnectionState, Issue
from lineshaft.health_monitor.domain.thresholds import Thresholds

START = datetime(2026, 1, 5, 8, tzinfo=UTC)
CONNECTION = "con_1"
SYSTEM = "tryton"


def a_call(outcome: Outcome, name: str | None = "party.party", version: int = 1, **fields: Any) -> Call:
    return Call.model_validate(
        {
            "connection_id": CONNECTION,
            "system": SYSTEM,
            "object": name,
            "operation": Operation.READ,
            "outcome": outcome,
            "credential_version": version,
            "at": START,
            "request_id": "req_1",
        }
        | fields
    )


def a_description(revision: int = 1, version: int = 1, **fields: Any) -> ConnectionDescribed:
    return ConnectionDescribed.model_validate(
        {
            "connection_id": CONNECTION,
            "system": SYSTEM,
            "metadata": {"customer": 7},
            "credential_version": version,
            "revision": revision,
            "created_at": START,
            "changed_at": START,
            "changed_by": "ada",
            "reason": "created",
        }
        | fields
    )


def a_diagnosis(failed: LadderRung | None = LadderRung.TCP, **fields: Any) -> ConnectionDiagnosed:
    rungs = [
        RungResult(rung=rung, status=RungStatus.OK if rung is not failed else RungStatus.FAILED, seen="seen")
        for rung in LadderRung
    ]
    if failed is not None:
        stop = {"seen": "plant refused TCP 443", "ask": "open TCP 443 from 10.0.0.5 to plant"}
        rungs = [one.model_copy(update=stop) if one.rung is failed else one for one in rungs]
    return ConnectionDiagnosed.model_validate(
        {
            "connection_id": CONNECTION,
            "system": SYSTEM,
            "command_id": "cmd_1",
            "asked_by": "",
            "at": START,
            "duration_ms": 12.0,
            "host": "plant:443",
            "rungs": rungs,
            "failed_rung": failed,
            "ask": failed and "open TCP 443 from 10.0.0.5 to plant",
        }
        | fields
    )


def a_force(state: str, name: str | None = None, **fields: Any) -> BreakerForced:
    return BreakerForced.model_validate(
        {
            "command_id": "cmd_1",
            "connection_id": CONNECTION,
            "state": state,
            "object": name,
            "actor": "grace",
            "reason": "maintenance",
        }
        | fields
    )


def a_mute(issue_id: str, **fields: Any) -> IssueMuted:
    return IssueMuted.model_validate(
        {
            "command_id": "cmd_1",
            "connection_id": CONNECTION,
            "issue_id": issue_id,
            "until": None,
            "actor": "grace",
        }
        | fields
    )


def a_trial(*objects: str) -> TrialRequested:
    return TrialRequested(
        command_id="cmd_1", connection_id=CONNECTION, objects=list(objects), asked_by="grace"
    )


def a_sync(result: SyncResult = SyncResult.COMPLETED, *objects: ObjectResult) -> SyncCompleted:
    model = SyncFailed if result is SyncResult.FAILED else SyncCompleted
    return model(
        connection_id=CONNECTION,
        system=SYSTEM,
        sync_id="syn_1",
        at=START,
        result=result,
        mode=SyncMode.INCREMENTAL,
        started_at=START,
        records=3,
        objects=list(objects),
    )


@dataclass
class Scene:
    """One connection, driven step by step; remembers everything that was said of it."""

    thresholds: Thresholds = field(default_factory=Thresholds)
    labels: dict[str, str] = field(default_factory=dict)
    state: ConnectionState = field(default_factory=lambda: ConnectionState(connection_id=CONNECTION))
    now: datetime = START
    chance: float = 0.5
    effects: list[Effect] = field(default_factory=list)
    numbers: Any = field(default_factory=count)

    @classmethod
    def connected(cls, *good_objects: str) -> "Scene":
        scene = cls()
        scene.take(a_description())
        for name in good_objects:
            scene.call(Outcome.OK, name)
        return scene

    def take(self, event: Input) -> list[Effect]:
        self.state, effects = apply(
            self.state,
            event,
            event_id=f"evt_{next(self.numbers)}",
            thresholds=self.thresholds,
            now=self.now,
            chance=lambda: self.chance,
            labels=self.labels,
        )
        self.effects += effects
        return effects

    def call(self, outcome: Outcome, name: str | None = "party.party", version: int = 1, **more: Any) -> None:
        self.take(a_call(outcome, name, version, **{"at": self.now, **more}))

    def wait(self, seconds: float) -> None:
        """Time passes; the worker does what falls due in between."""
        end = self.now + timedelta(seconds=seconds)
        while (due := due_at(self.state, self.thresholds, self.now)) is not None and due <= end:
            self.now = max(due, self.now)
            self.take(Tick())
        self.now = end
        self.take(Tick())

    @property
    def told(self) -> list[ConnectionEvent]:
        return [effect.data for effect in self.effects if isinstance(effect, Announced)]

    @property
    def told_types(self) -> list[str]:
        return [event.event_type.removeprefix("lineshaft.connection.") for event in self.told]

    @property
    def described(self) -> StatusDescribed:
        return [effect.data for effect in self.effects if isinstance(effect, Described)][-1]

    @property
    def notes(self) -> list[str]:
        return [effect.kind for effect in self.effects if isinstance(effect, Noted)]

    @property
    def answers(self) -> list[CommandCompleted]:
        return [effect.data for effect in self.effects if isinstance(effect, Answered)]

    @property
    def probes(self) -> int:
        return sum(isinstance(effect, ProbeWanted) for effect in self.effects)

    @property
    def ladders(self) -> int:
        return sum(isinstance(effect, LadderWanted) for effect in self.effects)

    def issues(self, fault: Fault) -> list[Issue]:
        """The latest form of each, in the order of their opening."""
        latest: dict[str, Issue] = {}
        for effect in self.effects:
            if isinstance(effect, IssueChanged) and effect.issue.fault is fault:
                latest[effect.issue.issue_id] = effect.issue
        return list(latest.values())
