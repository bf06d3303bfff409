"""`command.results`: answers are stored for whoever waits; an authorization's answer makes a connection."""

from collections.abc import Sequence
from dataclasses import dataclass

from lineshaft.api.adapters.commands import StoredCommand, complete_command
from lineshaft.api.adapters.connections import lock_connection
from lineshaft.api.adapters.link_sessions import lock_session, reopen
from lineshaft.api.adapters.purges import keep_receipt
from lineshaft.api.adapters.visits import Visits, offer_choice, request_sync
from lineshaft.api.domain.link_sessions import SessionState
from lineshaft.common.events.commands import CommandCompleted
from lineshaft.common.events.envelope import Event
from lineshaft.common.integrations import Catalog
from lineshaft.common.logs import logger
from lineshaft.common.postgres.pool import Connection as Transaction

log = logger(__name__)


@dataclass(frozen=True, slots=True)
class Handlers:
    visits: Visits
    catalog: Catalog

    async def on_results(self, tx: Transaction, events: Sequence[Event[CommandCompleted]]) -> None:
        for event in events:
            data = event.data
            if await keep_receipt(tx, data):
                continue
            command = await complete_command(
                tx,
                data.command_id,
                at=self.visits.clock(),
                result=data.result,
                problem=data.problem.model_dump(mode="json") if data.problem else None,
            )
            if command is None:
                log.debug("answer_to_nobody", command_id=data.command_id)
            elif command.kind == "authorize":
                await self._on_authorization(tx, command, event)
            elif command.kind == "write" and data.result is not None and not data.result.get("record"):
                await request_sync(tx, command, "write", event, entities=[command.request["entity"]])

    async def _on_authorization(
        self, tx: Transaction, command: StoredCommand, event: Event[CommandCompleted]
    ) -> None:
        """A refusal opens the session again; a customer who wants to choose first does, others are done."""
        session = await lock_session(tx, command.session_id or "")
        if session is None:
            log.warning("answer_to_a_forgotten_session", command_id=command.command_id)
            return
        if command.result is None:
            await reopen(tx, session.session_id, command.command_id)
            return
        system = self.catalog.systems.get(session.system)
        chooses = session.chooses and session.state is not SessionState.COMPLETED
        if chooses and system and await lock_connection(tx, session.connection_id) is None:
            await offer_choice(tx, session, command, system.objects_for())
            return
        if not await self.visits.end(tx, session, command, cause=event):
            await reopen(tx, session.session_id, command.command_id)
