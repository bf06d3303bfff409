"""What is needed of a source, what it grants, and when the credentials end: asked for by the monitor."""

from contextlib import aclosing

from lineshaft.common.events.access import AccessChecked
from lineshaft.common.events.commands import AccessCheckRequested, CommandProblem
from lineshaft.common.outcomes import Operation
from lineshaft.connector.adapters import connections, schedules, syncs
from lineshaft.connector.adapters.commands import CommandJob
from lineshaft.connector.domain.access import Wanted, expiry, permissions_of, wanted_of
from lineshaft.connector.domain.evidence import OF_THE_CONNECTION, SourceFailureError, about
from lineshaft.connector.domain.protocol import Need, Right, SourceAdapter
from lineshaft.connector.domain.sync_requests import objects_asked_for
from lineshaft.connector.workers.calling import (
    admitted,
    failed_command,
    refused_command,
    succeeded_command,
)
from lineshaft.connector.workers.selecting import needed_fields
from lineshaft.connector.workers.tools import OpenSource, Tools, event_about


async def check_access(tools: Tools, job: CommandJob, command: AccessCheckRequested) -> None:
    source = await admitted(tools, command.connection_id, None)
    if isinstance(source, CommandProblem):
        await refused_command(tools, job, source)
        return
    wanted = await _wanted(tools, source)
    started = tools.clock()
    try:
        async with aclosing(source.adapter) as adapter:
            verified = await adapter.verify()
            rights = await _rights(adapter, wanted)
    except SourceFailureError as failure:
        evidence = about(failure.evidence, object_name=None, operation=Operation.VERIFY)
        await failed_command(tools, job, source, evidence, result={"outcome": str(evidence.outcome)})
        return
    credential = source.credential
    checked = AccessChecked(
        connection_id=command.connection_id,
        system=source.caller.system,
        credential_version=source.caller.credential_version,
        command_id=command.command_id,
        at=tools.clock(),
        permissions=permissions_of(wanted, rights),
        credentials_expire_at=expiry(
            verified.expires_at,
            source.system.manifest.credentials,
            credential.values,
            credential.promoted_at,
        ),
    )
    await succeeded_command(
        tools,
        job,
        source,
        Operation.VERIFY,
        started,
        object_name=None,
        result={"outcome": "ok"},
        told=[event_about(checked, command.connection_id, command.command_id, "access_checked")],
    )


async def _wanted(tools: Tools, source: OpenSource) -> list[Wanted]:
    connection_id, system = source.caller.connection_id, source.system
    async with tools.pool.acquire() as connection:
        known = await connections.get(connection, connection_id)
        mapped = await connections.mapped_objects(connection, connection_id)
        scheduled = await schedules.scheduled(connection, connection_id, by_default=tools.reads_by_default)
        read = await syncs.read_fields(connection, connection_id)
    found: list[Wanted] = []
    for name in objects_asked_for(system, mapped, None, None, chosen=known.objects if known else None):
        try:
            fields = await needed_fields(tools, source, name)
        except SourceFailureError:
            continue
        found += wanted_of(
            name,
            system.object(name),
            fields,
            scheduled=scheduled.includes(name),
            read_before=read.get(name, ()),
        )
    return found


async def _rights(adapter: SourceAdapter, wanted: list[Wanted]) -> dict[Need, Right]:
    """Where the source refuses to tell, nothing is known; it is no fault of the connection."""
    try:
        return dict(await adapter.rights([one.need for one in wanted]))
    except SourceFailureError as failure:
        if failure.evidence.outcome in OF_THE_CONNECTION:
            raise
        return {}
