"""Looks at objects of the source because somebody asks what they hold."""

from contextlib import aclosing
from dataclasses import asdict
from typing import Any

from lineshaft.common.events.commands import CommandProblem, DescriptionRequested
from lineshaft.common.outcomes import Operation
from lineshaft.connector.adapters.commands import CommandJob
from lineshaft.connector.domain import problems
from lineshaft.connector.domain.evidence import SourceFailureError, about
from lineshaft.connector.workers.calling import (
    admitted,
    failed_command,
    refused_command,
    succeeded_command,
)
from lineshaft.connector.workers.selecting import look
from lineshaft.connector.workers.tools import Tools


async def describe(tools: Tools, job: CommandJob, command: DescriptionRequested) -> None:
    source = await admitted(tools, command.connection_id, None)
    if isinstance(source, CommandProblem):
        await refused_command(tools, job, source)
        return
    started = tools.clock()
    found: list[dict[str, Any]] = []
    name = None
    try:
        async with aclosing(source.adapter):
            for name in command.objects:
                known = await look(tools, source, name)
                fields = [asdict(field) for field in known.description.fields]
                found.append({"object": name, "fields": fields})
    except SourceFailureError as failure:
        evidence = about(failure.evidence, object_name=name, operation=Operation.DESCRIBE)
        problem = problems.not_written(evidence, source.system.manifest.label)
        await failed_command(tools, job, source, evidence, problem=problem)
        return
    await succeeded_command(
        tools,
        job,
        source,
        Operation.DESCRIBE,
        started,
        object_name=None,
        result={"objects": found},
    )
