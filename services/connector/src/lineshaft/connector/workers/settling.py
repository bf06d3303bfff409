"""What a failed call changes for the connection, in one transaction with what is told of it."""

from dataclasses import replace

from lineshaft.common.clock import Clock
from lineshaft.common.events.calls import Call
from lineshaft.common.postgres.pool import Connection
from lineshaft.connector.adapters import gates, sessions
from lineshaft.connector.domain.aftermath import Aftermath
from lineshaft.connector.domain.evidence import Evidence, failed_call
from lineshaft.connector.workers.tools import OpenSource


async def settle(
    tx: Connection,
    source: OpenSource,
    evidence: Evidence,
    aftermath: Aftermath,
    clock: Clock,
    *,
    sync_id: str | None = None,
) -> list[Call]:
    """Close or hold the gate first, then let others log in again; the call to tell of.

    Of several workers whose credentials are refused at once, the first one tells. Of a limit without an end
    the call tells ours, so that the monitor says what the gate does.
    """
    connection_id = source.caller.connection_id
    await gates.lock(tx, connection_id)
    told = True
    if aftermath.closes_gate:
        told = await gates.reject(tx, connection_id, source.caller.credential_version)
    if aftermath.hold_until is not None:
        await gates.hold(tx, connection_id, aftermath.hold_until)
        evidence = replace(evidence, retry_at=aftermath.hold_until)
    await sessions.release_login(tx, connection_id, source.credential.credential_id, source.login_owner)
    return [failed_call(source.caller, evidence, at=clock(), sync_id=sync_id)] if told else []
