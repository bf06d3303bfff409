"""Writes to the source, each made at most once by us: after a crash in between nobody knows, and says so."""

from contextlib import aclosing

from lineshaft.common.events.commands import CommandProblem, WriteRequested
from lineshaft.common.outcomes import Operation
from lineshaft.common.postgres.outbox import add_events
from lineshaft.connector.adapters import commands
from lineshaft.connector.adapters.commands import CommandJob
from lineshaft.connector.domain import problems
from lineshaft.connector.domain.evidence import SourceFailureError, about
from lineshaft.connector.domain.protocol import WriteOperation
from lineshaft.connector.workers.calling import admitted, failed_command, succeeded_command
from lineshaft.connector.workers.tools import Tools, answered

UNKNOWN = CommandProblem(
    code="connection_unavailable",
    message="The connector stopped during the write. It is not known whether the record was written.",
)


async def write(tools: Tools, job: CommandJob, command: WriteRequested) -> None:
    if job.called_before:
        await _answer(tools, job, UNKNOWN)
        return
    try:
        operation = WriteOperation(command.operation)
    except ValueError:
        await _answer(tools, job, CommandProblem(code="not_supported", message=f"no {command.operation}"))
        return
    if operation is not WriteOperation.CREATE and not command.source_id:
        await _answer(
            tools, job, CommandProblem(code="validation_failed", message=f"{operation} needs a source id")
        )
        return
    source = await admitted(tools, command.connection_id, command.object)
    if isinstance(source, CommandProblem):
        await _answer(tools, job, source)
        return
    if not await commands.about_to_call(tools.pool, job):
        return
    started = tools.clock()
    try:
        async with aclosing(source.adapter) as adapter:
            written = await adapter.write(command.object, operation, command.source_id, command.values)
    except SourceFailureError as failure:
        evidence = about(failure.evidence, object_name=command.object, operation=Operation.WRITE)
        problem = problems.not_written(evidence, source.system.manifest.label)
        await failed_command(tools, job, source, evidence, problem=problem)
        return
    await succeeded_command(
        tools,
        job,
        source,
        Operation.WRITE,
        started,
        object_name=command.object,
        result={"source_id": written.source_id, "values": dict(written.values)},
    )


async def _answer(tools: Tools, job: CommandJob, problem: CommandProblem) -> None:
    async with tools.pool.acquire() as connection, connection.transaction():
        if await commands.end(connection, job):
            await add_events(connection, [answered(job, tools.clock, problem=problem)])
