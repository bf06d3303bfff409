"""Link sessions and their codes."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from lineshaft.api.adapters import audit
from lineshaft.api.adapters.commands import ask
from lineshaft.api.adapters.postgres import SQL, build_or_none
from lineshaft.api.domain.keys import key_hash, new_capability, new_code
from lineshaft.api.domain.link_sessions import LinkSession, SessionState
from lineshaft.common.encryption import KeyRing
from lineshaft.common.events.commands import AuthorizationRequested
from lineshaft.common.ids import new_id
from lineshaft.common.postgres.pool import Connection as Transaction
from lineshaft.common.postgres.pool import Pool
from lineshaft.common.postgres.sealed import SealedTable


@dataclass(frozen=True, slots=True)
class NewSession:
    connection_id: str
    system: str
    reauthorizes: bool
    settings: dict[str, Any]
    login: dict[str, str]
    label: str
    metadata: dict[str, Any]
    redirect_url: str | None
    created_by: str
    expires_at: datetime
    offered: list[str] | None = None
    """The systems that the customer chooses from; `system` is empty then."""


async def open_session(pool: Pool, new: NewSession, *, at: datetime) -> tuple[str, str]:
    """The session's id, and the capability that its page's address ends with."""
    session_id, capability = new_id("lks"), new_capability()
    async with pool.acquire() as tx, tx.transaction():
        await tx.execute(
            SQL["insert_link_session"],
            session_id,
            key_hash(capability),
            new.connection_id,
            new.system,
            new.reauthorizes,
            new.settings,
            new.login,
            new.label,
            new.metadata,
            new.redirect_url,
            new.created_by,
            new.expires_at,
            new.offered,
        )
        await audit.note(
            tx,
            "link_session.opened",
            by=new.created_by,
            at=at,
            connection_id=new.connection_id,
            after={"system": new.system, "reauthorizes": new.reauthorizes, "label": new.label},
        )
    return session_id, capability


async def find_session(pool: Pool, capability: str) -> LinkSession | None:
    row = await pool.fetchrow(SQL["link_session"], key_hash(capability))
    return build_or_none(LinkSession, row, state=SessionState)


async def choose_system(pool: Pool, session: LinkSession) -> None:
    """Keep what the customer has chosen, for the attempt that follows."""
    await pool.execute(SQL["choose_system"], session.session_id, session.system)


async def lock_session(tx: Transaction, session_id: str) -> LinkSession | None:
    row = await tx.fetchrow(SQL["lock_link_session"], session_id)
    return build_or_none(LinkSession, row, state=SessionState)


async def lock_sessions_of(tx: Transaction, connection_id: str) -> None:
    """Before the connection, as a visit that ends locks them in this order."""
    await tx.execute(SQL["lock_link_sessions"], connection_id)


async def submit(
    tx: Transaction,
    session: LinkSession,
    *,
    keys: KeyRing,
    settings: dict[str, Any],
    credentials: dict[str, str],
    login: dict[str, str],
    expected_account_id: str | None,
    chooses: bool,
    at: datetime,
) -> str:
    """Seal the candidate and ask the connector to verify it; the command's id."""
    command_id, credential_id = new_id("cmd"), new_id("cred")
    bound_to = f"credential/{session.connection_id}/{credential_id}"
    sealed = keys.seal(orjson.dumps(credentials), bound_to=bound_to)
    await tx.execute(SQL["insert_candidate_credential"], credential_id, session.connection_id, sealed)
    await tx.execute(SQL["submit_link_session"], session.session_id, command_id, at, chooses)
    await ask(
        tx,
        AuthorizationRequested(
            command_id=command_id,
            connection_id=session.connection_id,
            system=session.system,
            settings=settings,
            credential_id=credential_id,
            expected_account_id=expected_account_id,
        ),
        kind="authorize",
        key=session.connection_id,
        session_id=session.session_id,
        request={"settings": settings, "login": login},
    )
    return command_id


async def await_choice(tx: Transaction, session_id: str, command_id: str) -> None:
    await tx.execute(SQL["await_choice"], session_id, command_id)


async def complete(
    tx: Transaction, session_id: str, *, keys: KeyRing, command_id: str, code_expires_at: datetime
) -> None:
    """The vendor's code is kept sealed until it is handed over, as any replica may do that."""
    code = new_code()
    sealed = keys.seal(code.encode(), bound_to=_bound_to(session_id))
    await tx.execute(
        SQL["complete_link_session"], session_id, command_id, key_hash(code), sealed, code_expires_at
    )


async def code_for(pool: Pool, session: LinkSession, command_id: str, *, keys: KeyRing) -> str | None:
    """The code, for the visitor who submitted the attempt that completed the session."""
    row = await pool.fetchrow(SQL["code_of_session"], session.session_id)
    if (
        row is None
        or row["state"] != SessionState.COMPLETED
        or row["code_sealed"] is None
        or not secrets.compare_digest(row["command_id"] or "", command_id)
    ):
        return None
    return keys.open(row["code_sealed"], bound_to=_bound_to(session.session_id)).decode()


async def reopen(tx: Transaction, session_id: str, command_id: str) -> None:
    await tx.execute(SQL["reopen_link_session"], session_id, command_id)


async def exchange(tx: Transaction, code: str, *, at: datetime) -> str | None:
    """The connection of a code that is valid and was not used before."""
    connection_id: str | None = await tx.fetchval(SQL["exchange_code"], key_hash(code), at)
    return connection_id


def _bound_to(session_id: str) -> str:
    return f"link_session/{session_id}/code"


SEALED = (SealedTable("link_session", "session_id", _bound_to, sealed="code_sealed"),)
