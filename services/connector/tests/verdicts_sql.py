"""A database is put into a labelled case: its real calls, as the connector would tell of them."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lineshaft.common.clock import now
from lineshaft.common.events.calls import Call
from lineshaft.common.outcomes import Operation
from lineshaft.connector.domain.evidence import (
    Caller,
    SourceFailureError,
    about,
    failed_call,
    succeeded_calls,
)
from lineshaft.connector.domain.fields import remembered
from lineshaft.connector.domain.protocol import SourceAdapter
from lineshaft.tools.stack.layout import Layout
from lineshaft.tools.stack.mariadb_source import MariadbSource
from lineshaft.tools.stack.postgresql_source import PostgresqlSource
from lineshaft.tools.stack.progress import Progress
from lineshaft.tools.stack.supervisor import Supervisor

from .sql_source import Source, opened
from .verdicts import Case, assert_judged, assert_told

Plant = PostgresqlSource | MariadbSource
FIELDS = {"parts": ["number", "name"], "vendors": ["name"], "purchase_orders": ["number"]}


@dataclass(frozen=True)
class Stage:
    """What is done to the server before its first failing call, and undone after it."""

    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    changes: Mapping[str, Any] = field(default_factory=dict)
    stops: bool = False


def running(kind: type[PostgresqlSource | MariadbSource]) -> Iterator[Plant]:
    supervisor = Supervisor(Layout.discover(f"verdicts-{kind.system}-{os.getpid()}"), Progress(quiet=True))
    try:
        plant = kind(supervisor)
        plant.start()
        yield plant
    finally:
        supervisor.stop()


@dataclass
class Reading:
    """The calls of a connection, as the connector tells of them."""

    plant: Source
    calls: list[Call] = field(default_factory=list)
    read_before: dict[str, list[str]] = field(default_factory=dict)

    async def take(self, step: dict[str, Any], changes: Mapping[str, Any] | None = None) -> None:
        name = next(iter(step.values()))
        async with opened(self.plant, **(changes or {})) as adapter:
            caller = Caller("con_1", self.plant.system, 1, adapter.host)
            try:
                await self._read(adapter, name)
            except SourceFailureError as failure:
                found = remembered(failure.evidence, self.read_before.get(name, ()))
                call = failed_call(caller, about(found, object_name=name, operation=Operation.READ), at=now())
            else:
                call = succeeded_calls(caller, Operation.READ, at=now(), object_name=name)
                self.read_before[name] = FIELDS[name]
        assert call.host == adapter.host
        assert_told(call, step)
        self.calls.append(call)

    async def _read(self, adapter: SourceAdapter, name: str | None) -> None:
        if name is None:
            await adapter.verify()
        else:
            await adapter.read(name, FIELDS[name], None, 5)


async def bring_about(plant: Plant, case: Case, stage: Stage) -> None:
    """The stage is set, each call is what the case says, and the monitor's verdict is the case's."""
    reading = Reading(plant)
    good = [step for step in case["calls"] if "ok" in step]
    for step in good:
        await reading.take(step)
    plant.execute(*stage.before)
    if stage.stops:
        plant.stop()
    try:
        for step in case["calls"][len(good) :]:
            for _ in range(step.get("times", 1)):
                await reading.take(step, stage.changes)
    finally:
        if stage.stops:
            plant.start()
        if "password expire" in "".join(stage.before):
            plant.change_password(plant.password)
        plant.execute(*stage.after)
    assert_judged(reading.calls, case)
