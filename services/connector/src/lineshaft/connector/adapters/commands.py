"""Commands that need a call to the source, from their event to their answer."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from lineshaft.common.events.commands import (
    AccessCheckRequested,
    AuthorizationRequested,
    Command,
    CommandCompleted,
    CommandProblem,
    DescriptionRequested,
    DiagnosisRequested,
    ProbeRequested,
    SampleRequested,
    WriteRequested,
)
from lineshaft.common.events.envelope import Event, new_event
from lineshaft.common.ids import derived_id
from lineshaft.common.postgres.pool import Connection, Pool
from lineshaft.common.tracing import traceparent_of
from lineshaft.connector.adapters.postgres import QUERIES, Database

NAME = "connector"
"""What answers and other events of this service name as their source."""

LEASE = timedelta(seconds=180)

KINDS: dict[str, type[Command]] = {
    "authorize": AuthorizationRequested,
    "write": WriteRequested,
    "probe": ProbeRequested,
    "diagnose": DiagnosisRequested,
    "describe": DescriptionRequested,
    "sample": SampleRequested,
    "check_access": AccessCheckRequested,
}
_KIND_OF = {model: kind for kind, model in KINDS.items()}


@dataclass(frozen=True, slots=True)
class CommandJob:
    command: Command
    owner: str
    attempts: int
    called_before: bool
    """An earlier attempt may have changed the source."""
    traceparent: str | None

    @property
    def row(self) -> tuple[str, str, str]:
        return self.command.connection_id, self.command.command_id, self.owner


def completed(
    command: Command,
    *,
    at: datetime,
    traceparent: str | None,
    result: dict[str, Any] | None = None,
    problem: CommandProblem | None = None,
) -> Event[CommandCompleted]:
    """The answer; given twice it counts once."""
    answer = CommandCompleted(
        command_id=command.command_id,
        connection_id=command.connection_id,
        at=at,
        result=result,
        problem=problem,
    )
    event_id = derived_id("evt", command.command_id, "completed")
    event = new_event(answer, source=NAME, key=command.connection_id, event_id=event_id)
    return replace(event, traceparent=traceparent_of(traceparent))


async def add(tx: Connection, event: Event[Any]) -> None:
    """Record a command, once."""
    command: Command = event.data
    await tx.execute(
        QUERIES["command_add"],
        command.command_id,
        _KIND_OF[type(command)],
        command.connection_id,
        command.model_dump(mode="json"),
        event.traceparent,
    )


async def lease(pool: Pool, owner: str) -> CommandJob | None:
    row = await pool.fetchrow(QUERIES["command_lease"], owner, LEASE)
    if row is None:
        return None
    return CommandJob(
        KINDS[row["kind"]].model_validate(row["payload"]),
        owner,
        row["attempts"],
        row["called_at"] is not None,
        row["traceparent"],
    )


async def about_to_call(pool: Pool, job: CommandJob) -> bool:
    """From here on the source may have been changed; whether the command is still ours."""
    return bool(await pool.fetchval(QUERIES["command_calling"], *job.row))


async def not_called(pool: Pool, job: CommandJob) -> None:
    """The call was stopped on our side."""
    await pool.execute(QUERIES["command_not_called"], *job.row)


async def keep_progress(pool: Pool, job: CommandJob, progress: dict[str, Any]) -> None:
    """What is done of a command that takes long."""
    await pool.execute(QUERIES["command_progress"], *job.row, progress)


async def end(tx: Connection, job: CommandJob) -> bool:
    """Whether it was still ours to answer."""
    return bool(await tx.fetchval(QUERIES["command_end"], *job.row))


async def later(pool: Database, job: CommandJob, pause: timedelta) -> None:
    await pool.execute(QUERIES["command_later"], *job.row, pause)
