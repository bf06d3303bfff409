"""A few records of each object, for the customer who is about to choose among them.

What fails here is told to nobody else: health is about what was chosen, and nothing is yet.
"""

import time
from contextlib import aclosing

import msgspec

from lineshaft.common.events.commands import CommandProblem, SampledObject, SampleRequested
from lineshaft.common.outcomes import Operation
from lineshaft.common.postgres.outbox import add_events
from lineshaft.connector.adapters import commands
from lineshaft.connector.adapters.commands import CommandJob
from lineshaft.connector.domain import problems
from lineshaft.connector.domain.evidence import OF_THE_CONNECTION, SourceFailureError, about
from lineshaft.connector.domain.fields import select
from lineshaft.connector.workers.calling import admitted, refused_command
from lineshaft.connector.workers.selecting import known_object, needed_fields
from lineshaft.connector.workers.tools import OpenSource, Tools, answered

SECONDS = 45.0
"""How long the source is asked for samples; somebody is waiting at a page."""
LONGEST_RECORD = 16 * 1024
"""All samples together fit one event."""


async def sample(tools: Tools, job: CommandJob, command: SampleRequested) -> None:
    source = await admitted(tools, command.connection_id, None)
    if isinstance(source, CommandProblem):
        await refused_command(tools, job, source)
        return
    found: list[SampledObject] = []
    stopped: CommandProblem | None = None
    ends_at = time.monotonic() + SECONDS
    async with aclosing(source.adapter):
        for name in command.objects:
            if stopped is None and time.monotonic() > ends_at:
                stopped = problems.NO_TIME_LEFT
            if stopped is not None:
                found.append(SampledObject(object=name, problem=stopped))
                continue
            try:
                found.append(await _sampled(tools, source, name, command.records))
            except SourceFailureError as failure:
                evidence = about(failure.evidence, object_name=name, operation=Operation.READ)
                problem = problems.not_verified(evidence, source.system.manifest.label)
                found.append(SampledObject(object=name, problem=problem))
                stopped = problem if evidence.outcome in OF_THE_CONNECTION else None
    result = {"objects": [one.model_dump(mode="json") for one in found]}
    async with tools.pool.acquire() as connection, connection.transaction():
        if await commands.end(connection, job):
            await add_events(connection, [answered(job, tools.clock, result=result)])


async def _sampled(tools: Tools, source: OpenSource, name: str, limit: int) -> SampledObject:
    """Only what the mapping shows of them is read."""
    needed = await needed_fields(tools, source, name)
    known = await known_object(tools, source, name)
    selection = select(known.description, needed)
    page = await source.adapter.read(name, selection.mapped or selection.fields, None, limit=limit)
    records = [msgspec.json.decode(one) for one in page.records[:limit] if len(one) <= LONGEST_RECORD]
    problem = problems.TOO_LARGE if page.records and not records else None
    return SampledObject(object=name, records=records, problem=problem)
