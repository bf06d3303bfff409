"""One call to a source on behalf of a command: past the gate, and told with its answer."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from lineshaft.common.events.commands import CommandProblem
from lineshaft.common.events.envelope import Event
from lineshaft.common.outcomes import Operation
from lineshaft.common.postgres.outbox import add_events
from lineshaft.connector.adapters import commands, gates
from lineshaft.connector.adapters.commands import CommandJob
from lineshaft.connector.domain import problems
from lineshaft.connector.domain.evidence import Evidence, succeeded_calls
from lineshaft.connector.domain.gate import Obedience, decide
from lineshaft.connector.workers.settling import settle
from lineshaft.connector.workers.tools import OpenSource, Tools, answered, call_events


async def admitted(
    tools: Tools,
    connection_id: str,
    object_name: str | None,
    obeys: Obedience = Obedience.ALL,
    *,
    operation: Operation = Operation.READ,
) -> OpenSource | CommandProblem:
    """The open source, or why it must not be called."""
    standing = await gates.standing(tools.pool, connection_id)
    if standing is None:
        return problems.UNKNOWN_CONNECTION
    source = await tools.open_in_force(connection_id, obeys)
    decision = decide(standing, object_name, tools.clock(), obeys, operation=operation)
    if decision.closed or source is None:
        return problems.gate_closed(decision, source.system.manifest.label if source else "The system")
    return source


async def refused_command(tools: Tools, job: CommandJob, problem: CommandProblem) -> None:
    """The gate is closed: nothing was called."""
    async with tools.pool.acquire() as connection, connection.transaction():
        if await commands.end(connection, job):
            await add_events(connection, [answered(job, tools.clock, problem=problem)])


async def failed_command(
    tools: Tools,
    job: CommandJob,
    source: OpenSource,
    evidence: Evidence,
    *,
    result: dict[str, Any] | None = None,
    problem: CommandProblem | None = None,
    again_in: timedelta | None = None,
) -> None:
    """`again_in` puts the command off instead of answering it."""
    aftermath = tools.after(evidence)
    async with tools.pool.acquire() as connection, connection.transaction():
        failures = await settle(connection, source, evidence, aftermath, tools.clock)
        events = call_events(failures)
        if again_in is not None:
            await commands.later(connection, job, again_in)
        elif await commands.end(connection, job):
            events.append(answered(job, tools.clock, result=result, problem=problem))
        await add_events(connection, events)


async def succeeded_command(
    tools: Tools,
    job: CommandJob,
    source: OpenSource,
    operation: Operation,
    started: datetime,
    *,
    object_name: str | None,
    result: dict[str, Any],
    told: Sequence[Event[Any]] = (),
) -> None:
    """`told` goes out with the answer."""
    ended = tools.clock()
    call = succeeded_calls(
        source.caller,
        operation,
        at=ended,
        object_name=object_name,
        duration_ms=(ended - started).total_seconds() * 1000,
    )
    async with tools.pool.acquire() as connection, connection.transaction():
        await gates.accept(connection, source.caller.connection_id, source.caller.credential_version)
        events = call_events([call])
        if await commands.end(connection, job):
            events += [*told, answered(job, tools.clock, result=result)]
        await add_events(connection, events)
