"""The cheapest call that proves something, asked for by the monitor; its outcome is an event."""

from contextlib import aclosing

from lineshaft.common.events.commands import CommandProblem, ProbeRequested
from lineshaft.common.outcomes import Operation
from lineshaft.connector.adapters.commands import CommandJob
from lineshaft.connector.domain.evidence import SourceFailureError, about
from lineshaft.connector.domain.gate import Obedience
from lineshaft.connector.workers.calling import (
    admitted,
    failed_command,
    refused_command,
    succeeded_command,
)
from lineshaft.connector.workers.tools import OpenSource, Tools


async def probe(tools: Tools, job: CommandJob, command: ProbeRequested) -> None:
    obeys = Obedience.NOT_THE_REFUSAL if command.despite_rejection else Obedience.NOT_THE_BREAKER
    source = await admitted(tools, command.connection_id, command.object, obeys)
    if isinstance(source, CommandProblem):
        await refused_command(tools, job, source)
        return
    started = tools.clock()
    try:
        async with aclosing(source.adapter) as adapter:
            if command.object is None:
                await adapter.verify()
            else:
                await adapter.read(command.object, key_of(source, command.object), None, limit=1)
    except SourceFailureError as failure:
        evidence = about(failure.evidence, object_name=command.object, operation=Operation.PROBE)
        await failed_command(
            tools, job, source, evidence, result={"outcome": str(evidence.outcome), "code": evidence.code}
        )
        return
    await succeeded_command(
        tools,
        job,
        source,
        Operation.PROBE,
        started,
        object_name=command.object,
        result={"outcome": "ok"},
    )


def key_of(source: OpenSource, object_name: str) -> list[str]:
    try:
        return source.system.object(object_name).key
    except KeyError:
        return []
