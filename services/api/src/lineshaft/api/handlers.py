"""`command.results`: answers are stored for whoever waits; an authorization's answer makes a connection."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from lineshaft.api.adapters.commands import StoredCommand, complete_command
from lineshaft.api.adapters.connections import (
    SOURCE,
    change_connection,
    create_connection,
    lock_connection,
)
from lineshaft.api.adapters.keys import end_tokens
from lineshaft.api.adapters.link_sessions import complete, lock_session, reopen
from lineshaft.api.adapters.purges import keep_receipt
from lineshaft.api.domain.authorizations import Submitted, Verified, connected_again, first_connected
from lineshaft.api.domain.link_sessions import SessionState
from lineshaft.common.clock import Clock
from lineshaft.common.encryption import KeyRing
from lineshaft.common.events.commands import CommandCompleted
from lineshaft.common.events.connections import Lifecycle
from lineshaft.common.events.envelope import Event, new_event
from lineshaft.common.events.syncs import SyncRequested
from lineshaft.common.ids import derived_id
from lineshaft.common.logs import logger
from lineshaft.common.postgres.outbox import add_events
from lineshaft.common.postgres.pool import Connection as Transaction

log = logger(__name__)


@dataclass(frozen=True, slots=True)
class Handlers:
    keys: KeyRing
    code_lifetime: timedelta
    token_grace: timedelta
    clock: Clock

    async def on_results(self, tx: Transaction, events: Sequence[Event[CommandCompleted]]) -> None:
        for event in events:
            data = event.data
            if await keep_receipt(tx, data):
                continue
            command = await complete_command(
                tx,
                data.command_id,
                at=self.clock(),
                result=data.result,
                problem=data.problem.model_dump(mode="json") if data.problem else None,
            )
            if command is None:
                log.debug("answer_to_nobody", command_id=data.command_id)
            elif command.kind == "authorize":
                await self._on_authorization(tx, command, event)
            elif command.kind == "write" and data.result is not None and not data.result.get("record"):
                await _request_sync(tx, command, event, "write", entities=[command.request["entity"]])

    async def _on_authorization(
        self, tx: Transaction, command: StoredCommand, event: Event[CommandCompleted]
    ) -> None:
        """Finish the customer's visit.

        1. A refusal opens the session again.
        2. The connection is made, or gets its new account and credential version.
        3. Its first or next sync is asked for.
        4. The session is completed with a code; older tokens end with it at the latest.
        """
        session = await lock_session(tx, command.session_id or "")
        if session is None:
            log.warning("answer_to_a_forgotten_session", command_id=command.command_id)
            return
        if event.data.result is None:
            await reopen(tx, session.session_id, command.command_id)
            return
        verified = Verified.of(event.data.result)
        submitted = Submitted(**command.request)
        connection = await lock_connection(tx, session.connection_id)
        if connection is None:
            new = first_connected(session, submitted, verified, self.clock())
            connection = await create_connection(tx, new, cause=event)
        elif connection.lifecycle is Lifecycle.DELETED:
            await reopen(tx, session.session_id, command.command_id)
            return
        elif (again := connected_again(connection, submitted, verified)) is not None:
            connection = await change_connection(
                tx, again, reason="reauthorized", by="customer", at=self.clock(), cause=event
            )
        await _request_sync(tx, command, event, "connected")
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


async def _request_sync(
    tx: Transaction,
    command: StoredCommand,
    event: Event[CommandCompleted],
    requested_by: str,
    *,
    entities: list[str] | None = None,
) -> None:
    """The first records, what was missed meanwhile, or what a write has changed."""
    request = SyncRequested(
        connection_id=command.connection_id or "",
        entities=entities,
        request_id=derived_id("req", command.command_id),
        requested_by=requested_by,
    )
    await add_events(tx, [new_event(request, source=SOURCE, key=request.connection_id, cause=event)])
