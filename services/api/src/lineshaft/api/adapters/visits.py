"""How a customer's visit ends: a connection is made, or connected again, and the vendor gets a code."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from lineshaft.api.adapters.commands import StoredCommand, ask
from lineshaft.api.adapters.connections import (
    SOURCE,
    change_connection,
    create_connection,
    lock_connection,
)
from lineshaft.api.adapters.keys import end_tokens
from lineshaft.api.adapters.link_sessions import await_choice, complete
from lineshaft.api.adapters.postgres import SQL
from lineshaft.api.domain.authorizations import Submitted, Verified, connected_again, first_connected
from lineshaft.api.domain.link_sessions import LinkSession, SessionState
from lineshaft.common.clock import Clock
from lineshaft.common.encryption import KeyRing
from lineshaft.common.events.commands import (
    ConnectorPurgeRequested,
    HealthPurgeRequested,
    SampleRequested,
)
from lineshaft.common.events.connections import Lifecycle
from lineshaft.common.events.envelope import Event, new_event
from lineshaft.common.events.syncs import SyncRequested
from lineshaft.common.ids import derived_id, new_id
from lineshaft.common.logs import logger
from lineshaft.common.postgres.outbox import add_events
from lineshaft.common.postgres.pool import Connection as Transaction

SAMPLE = "sample"

log = logger(__name__)


@dataclass(frozen=True, slots=True)
class Visits:
    keys: KeyRing
    code_lifetime: timedelta
    token_grace: timedelta
    clock: Clock

    async def end(
        self,
        tx: Transaction,
        session: LinkSession,
        command: StoredCommand,
        *,
        objects: list[str] | None = None,
        cause: Event[Any] | None = None,
    ) -> bool:
        """With verified credentials; False where the connection was deleted meanwhile.

        1. The connection is made, or gets its new account and credential version.
        2. Its first or next sync is asked for.
        3. The session is completed with a code; older tokens end with it at the latest.

        `command` is the authorization with its result. `objects` are those that a new connection reads; all
        that the system offers by default.
        """
        verified = Verified.of(command.result or {})
        submitted = Submitted(**command.request)
        connection = await lock_connection(tx, session.connection_id)
        if connection is None:
            new = first_connected(session, submitted, verified, self.clock(), objects)
            connection = await create_connection(tx, new, cause=cause)
        elif connection.lifecycle is Lifecycle.DELETED:
            return False
        elif (again := connected_again(connection, submitted, verified)) is not None:
            connection = await change_connection(
                tx, again, reason="reauthorized", by="customer", at=self.clock(), cause=cause
            )
        await request_sync(tx, command, "connected", cause, objects=objects)
        if session.state is not SessionState.COMPLETED:
            code_expires_at = self.clock() + self.code_lifetime
            await complete(
                tx,
                session.session_id,
                keys=self.keys,
                command_id=command.command_id,
                code_expires_at=code_expires_at,
            )
            await end_tokens(tx, connection.connection_id, code_expires_at + self.token_grace)
        log.info(
            "connected",
            connection_id=connection.connection_id,
            system=connection.system,
            credential_version=connection.credential_version,
        )
        return True


def sample_of(command_id: str) -> str:
    """The command that shows a customer what the credentials of this authorization may read."""
    return derived_id("cmd", command_id, SAMPLE)


async def offer_choice(
    tx: Transaction, session: LinkSession, command: StoredCommand, objects: Sequence[str]
) -> None:
    """The customer is asked what is to be read, and sees a few records of it."""
    await await_choice(tx, session.session_id, command.command_id)
    sample = SampleRequested(
        command_id=sample_of(command.command_id),
        connection_id=session.connection_id,
        objects=list(objects),
    )
    await ask(tx, sample, kind=SAMPLE, key=session.connection_id, session_id=session.session_id)


async def give_up_choices(tx: Transaction, at: datetime) -> int:
    """What is held of customers who logged in and never chose is deleted, their credentials first of all."""
    rows = await tx.fetch(SQL["give_up_choices"], at)
    for row in rows:
        connection_id = row["connection_id"]
        await forget_samples(tx, row["session_id"])
        purges = (
            ConnectorPurgeRequested(command_id=new_id("cmd"), connection_id=connection_id),
            HealthPurgeRequested(command_id=new_id("cmd"), connection_id=connection_id),
        )
        await add_events(tx, [new_event(one, source=SOURCE, key=connection_id) for one in purges])
        log.info("choice_given_up", connection_id=connection_id)
    return len(rows)


async def forget_samples(tx: Transaction, session_id: str) -> None:
    """What was shown has been seen."""
    await tx.execute(SQL["forget_samples"], session_id, SAMPLE)


async def request_sync(
    tx: Transaction,
    command: StoredCommand,
    requested_by: str,
    cause: Event[Any] | None,
    *,
    entities: list[str] | None = None,
    objects: list[str] | None = None,
) -> None:
    """The first records, what was missed meanwhile, or what a write has changed."""
    request = SyncRequested(
        connection_id=command.connection_id or "",
        entities=entities,
        objects=objects,
        request_id=derived_id("req", command.command_id),
        requested_by=requested_by,
    )
    await add_events(tx, [new_event(request, source=SOURCE, key=request.connection_id, cause=cause)])
