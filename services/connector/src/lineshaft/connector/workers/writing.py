"""Writes to the source, each made once.

A call that got no answer, or whose worker died, may have changed the source. A change or a deletion is then
made again, which comes to the same; a creation is looked for by what identifies it. Where nothing does, or
it is not found, nobody knows, and the answer says so.
"""

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta

from lineshaft.common import exact_json
from lineshaft.common.errors import RetryableError
from lineshaft.common.events.commands import CommandProblem, WriteRequested
from lineshaft.common.logs import logger
from lineshaft.common.outcomes import Operation, Outcome
from lineshaft.common.tracing import current_traceparent
from lineshaft.connector.adapters import commands, syncs
from lineshaft.connector.adapters.commands import NAME, CommandJob
from lineshaft.connector.domain import problems
from lineshaft.connector.domain.evidence import Evidence, SourceFailureError, about
from lineshaft.connector.domain.fields import select
from lineshaft.connector.domain.gate import CredentialsReplacedError, GateClosedError
from lineshaft.connector.domain.protocol import WriteOperation, Written
from lineshaft.connector.domain.slices import Origin, after_write
from lineshaft.connector.domain.writes import (
    holds,
    identity,
    key_of,
    may_have_been_made,
    named_field,
    record_of,
    source_id_of,
    with_reference,
)
from lineshaft.connector.workers.calling import (
    admitted,
    failed_command,
    refused_command,
    succeeded_command,
)
from lineshaft.connector.workers.selecting import known_object, needed_fields
from lineshaft.connector.workers.tools import OpenSource, Tools

MOST_LOOKS = 4
LOOK_AGAIN = timedelta(seconds=2)
MOST_SHOWN = 300_000
"""Bytes of a stored record that travel with the answer."""

log = logger(__name__)


class NotFoundAgainError(Exception):
    """Nobody can say what became of the write."""


async def write(tools: Tools, job: CommandJob, command: WriteRequested) -> None:
    try:
        operation = WriteOperation(command.operation)
    except ValueError:
        await refused_command(
            tools, job, CommandProblem(code="not_supported", message=f"no {command.operation}")
        )
        return
    if operation is not WriteOperation.CREATE and not command.source_id:
        await refused_command(
            tools, job, CommandProblem(code="validation_failed", message=f"{operation} needs a source id")
        )
        return
    source = await admitted(tools, command.connection_id, command.object, operation=Operation.WRITE)
    if isinstance(source, CommandProblem):
        await (_look_again(tools, job) if job.called_before else refused_command(tools, job, source))
        return
    async with aclosing(source.adapter):
        await _Write(tools, job, command, operation, source).run()


async def _look_again(tools: Tools, job: CommandJob) -> None:
    if job.attempts >= MOST_LOOKS:
        await refused_command(tools, job, problems.OUTCOME_UNKNOWN)
    else:
        await commands.later(tools.pool, job, LOOK_AGAIN * job.attempts)


class _Write:
    def __init__(
        self,
        tools: Tools,
        job: CommandJob,
        command: WriteRequested,
        operation: WriteOperation,
        source: OpenSource,
    ) -> None:
        self._tools = tools
        self._job = job
        self._command = command
        self._operation = operation
        self._source = source
        self._listed = source.system.object(command.object)
        self._started = tools.clock()

    async def run(self) -> None:
        try:
            written = await (self._again() if self._job.called_before else self._made())
        except NotFoundAgainError:
            await _look_again(self._tools, self._job)
            return
        except GateClosedError:
            if not self._job.called_before:
                raise
            await _look_again(self._tools, self._job)
            return
        except SourceFailureError as failure:
            await self._failed(failure.evidence)
            return
        if written is None:
            return
        shown = await self._read_back(written.source_id)
        await succeeded_command(
            self._tools,
            self._job,
            self._source,
            Operation.WRITE,
            self._started,
            object_name=self._command.object,
            result={"source_id": written.source_id, "values": dict(written.values), "record": shown},
        )

    async def _made(self) -> Written | None:
        """None where somebody else holds the command by now."""
        if not await commands.about_to_call(self._tools.pool, self._job):
            return None
        command = self._command
        try:
            return await self._source.adapter.write(
                command.object, self._operation, command.source_id, with_reference(command, self._listed)
            )
        except (GateClosedError, CredentialsReplacedError):
            if not self._job.called_before:
                await commands.not_called(self._tools.pool, self._job)
            raise

    async def _again(self) -> Written | None:
        """An earlier attempt may have changed the source."""
        match = identity(self._command, self._listed)
        if self._operation is WriteOperation.UPDATE:
            return await self._made()
        found = None if match is None else await self._source.adapter.find(self._command.object, (), match)
        if self._operation is WriteOperation.DELETE:
            return Written(self._command.source_id or "") if found == [] else await self._made()
        if found is not None and len(found) == 1 and holds(found[0], self._command.values):
            return Written(source_id_of(self._listed, found[0]))
        if match is None:
            await refused_command(self._tools, self._job, problems.OUTCOME_UNKNOWN)
            return None
        raise NotFoundAgainError

    async def _failed(self, evidence: Evidence) -> None:
        evidence = replace(
            about(evidence, object_name=self._command.object, operation=Operation.WRITE),
            record=record_of(self._command),
        )
        lost = may_have_been_made(evidence)
        if lost and self._job.attempts < MOST_LOOKS:
            await failed_command(self._tools, self._job, self._source, evidence, again_in=LOOK_AGAIN)
            return
        refused = self._operation is not WriteOperation.CREATE and evidence.outcome is Outcome.INVALID_REQUEST
        if lost or (self._job.called_before and not refused):
            problem = problems.OUTCOME_UNKNOWN
        else:
            label = self._source.system.manifest.label
            problem = problems.not_written(evidence, label, await self._named_field(evidence))
        await failed_command(self._tools, self._job, self._source, evidence, problem=problem)

    async def _named_field(self, evidence: Evidence) -> str | None:
        if evidence.field is not None:
            return evidence.field
        if evidence.outcome is not Outcome.INVALID_REQUEST or not evidence.message:
            return None
        try:
            known = await known_object(self._tools, self._source, self._command.object)
        except SourceFailureError:
            return None
        return named_field(evidence.message, known.description)

    async def _read_back(self, source_id: str) -> dict[str, object] | None:
        """What the source has now goes the way of all records, and with the answer.

        The place in the order of reads is taken first: a page that was read before the write and comes
        after it is passed over.
        """
        tools, command = self._tools, self._command
        try:
            epoch = await syncs.place_after_write(tools.pool, command.connection_id, command.object)
            records: Sequence[bytes] = ()
            if self._operation is not WriteOperation.DELETE:
                records = await self._stored(source_id)
                if not records:
                    return None
            origin = Origin(
                command.connection_id,
                self._source.caller.system,
                command.object,
                command.command_id,
                epoch,
                current_traceparent(),
            )
            deleted = [source_id] if self._operation is WriteOperation.DELETE else []
            await tools.producer.publish([after_write(origin, records, deleted, tools.clock(), NAME)])
        except (SourceFailureError, RetryableError) as error:
            log.warning("not_read_back", command_id=command.command_id, error=repr(error))
            return None
        if not records or len(records[0]) > MOST_SHOWN:
            return None
        shown: dict[str, object] = exact_json.decode(records[0])
        return shown

    async def _stored(self, source_id: str) -> Sequence[bytes]:
        tools, name = self._tools, self._command.object
        known = await known_object(tools, self._source, name)
        fields = select(known.description, await needed_fields(tools, self._source, name)).fields
        return await self._source.adapter.find(name, fields, key_of(self._listed, source_id)) or ()
