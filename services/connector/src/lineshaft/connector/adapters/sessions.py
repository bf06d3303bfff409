"""The open session of each credential, sealed in Postgres and shared by all replicas.

1. Whoever needs a later session than the one there is claims the login, a row lease with an end.
2. Whoever does not get the claim waits for what the login brings.
3. A failed login keeps its claim until the failure is settled, in the transaction that closes the gate:
   so that nobody who waits tries the same refused credentials again.
4. A new session is stored if the generation that it replaces is still there: the generation fences. A login
   that was refused while somebody else brought a later session has not failed.
5. A login that was begun is ended and stored, also when its caller is cancelled: a source that rotates
   refresh tokens has given away the only one that counts.
"""

import asyncio
import random
import time
from datetime import timedelta

from lineshaft.common.clock import Clock, now
from lineshaft.common.encryption import KeyRing, UnknownKeyError, UnreadableSecretError
from lineshaft.common.errors import RetryableError
from lineshaft.common.logs import logger
from lineshaft.common.postgres.pool import Connection, Pool
from lineshaft.connector.adapters import gates
from lineshaft.connector.adapters.credentials import Credential
from lineshaft.connector.adapters.postgres import QUERIES
from lineshaft.connector.domain.evidence import SourceFailureError
from lineshaft.connector.domain.gate import CredentialsReplacedError, GateClosedError, Obedience, decide
from lineshaft.connector.domain.sessions import Login, Session

LOGIN_LEASE = timedelta(seconds=90)
LONGEST_WAIT_SECONDS = 120.0

log = logger(__name__)


class UnreadableSessionError(UnreadableSecretError):
    """The stored session is not this credential's; a login brings one that is."""

    def __init__(self, generation: int) -> None:
        super().__init__()
        self.generation = generation


class SharedSessions:
    """The sessions of one credential in force."""

    def __init__(
        self,
        pool: Pool,
        keys: KeyRing,
        credential: Credential,
        owner: str,
        *,
        obeys: Obedience = Obedience.ALL,
        clock: Clock = now,
    ) -> None:
        self._pool = pool
        self._keys = keys
        self._credential = credential
        self._owner = owner
        self._obeys = obeys
        self._clock = clock

    async def get(self, login: Login) -> Session:
        try:
            return await self._open() or await self._obtain(login, later_than=0)
        except UnreadableSessionError as error:
            log.warning("session_unreadable", connection_id=self._credential.connection_id)
            return await self._obtain(login, later_than=error.generation)

    async def renew(self, refused: Session, login: Login) -> Session:
        return await self._obtain(login, later_than=refused.generation)

    async def _open(self, later_than: int = 0) -> Session | None:
        row = await self._pool.fetchrow(QUERIES["session_open"], *self._row)
        if row is None or row["generation"] <= later_than:
            return None
        try:
            secret = self._keys.open(row["sealed"], bound_to=self._bound_to)
        except UnknownKeyError:
            raise
        except UnreadableSecretError:
            raise UnreadableSessionError(row["generation"]) from None
        return Session(secret, row["generation"])

    async def _obtain(self, login: Login, later_than: int) -> Session:
        deadline = time.monotonic() + LONGEST_WAIT_SECONDS
        while time.monotonic() < deadline:
            session = await self._open(later_than)
            if session is not None:
                return session
            await self._refuse_if_closed()
            if await self._pool.fetchval(
                QUERIES["session_claim"], *self._row, self._owner, later_than, LOGIN_LEASE
            ):
                return await self._log_in(login)
            await asyncio.sleep(random.uniform(0.05, 0.15))  # noqa: S311  spreads those who wait
        raise RetryableError("another process holds the login of these credentials and does not finish")

    async def _log_in(self, login: Login) -> Session:
        begun = asyncio.ensure_future(self._logged_in(login))
        try:
            return await asyncio.shield(begun)
        except asyncio.CancelledError:
            await asyncio.wait({begun})
            raise

    async def _logged_in(self, login: Login) -> Session:
        try:
            # the failure of whoever held the claim before is settled by now, and may have closed the gate
            await self._refuse_if_closed()
            last = await self._last()
            secret = await login(last.secret or None)
        except SourceFailureError:
            later = await self._open(last.generation)
            if later is None:
                raise
            await self._release()
            return later
        except BaseException:
            await asyncio.shield(self._release())
            raise
        return await self._store(secret, last.generation)

    async def _last(self) -> Session:
        """What the login goes on from; of generation 0, or without a secret, where there is nothing."""
        row = await self._pool.fetchrow(QUERIES["session_last"], *self._row)
        if row is None:
            raise CredentialsReplacedError
        try:
            secret = self._keys.open(row["sealed"], bound_to=self._bound_to) if row["sealed"] else b""
        except UnknownKeyError:
            raise
        except UnreadableSecretError:
            secret = b""
        return Session(secret, row["generation"])

    async def _store(self, secret: bytes, replaces: int) -> Session:
        sealed = self._keys.seal(secret, bound_to=self._bound_to)
        generation = await self._pool.fetchval(
            QUERIES["session_store"], *self._row, self._owner, replaces, sealed
        )
        if generation is not None:
            return Session(secret, generation)
        later = await self._open(replaces)
        if later is None:
            raise CredentialsReplacedError
        return later

    async def _release(self) -> None:
        await self._pool.execute(QUERIES["session_release"], *self._row, self._owner)

    async def _refuse_if_closed(self) -> None:
        standing = await gates.standing(self._pool, self._credential.connection_id)
        if standing is None or standing.credential_version != self._credential.version:
            raise CredentialsReplacedError
        decision = decide(standing, None, self._clock(), self._obeys)
        if decision.closed:
            raise GateClosedError(decision)

    @property
    def _row(self) -> tuple[str, str]:
        return self._credential.credential_id, self._credential.connection_id

    @property
    def _bound_to(self) -> str:
        return session_binding(*reversed(self._row))


def session_binding(connection_id: str, credential_id: str) -> str:
    return f"session/{connection_id}/{credential_id}"


async def release_login(tx: Connection, connection_id: str, credential_id: str, owner: str) -> None:
    """The login that failed is settled; others may try if the gate lets them."""
    await tx.execute(QUERIES["session_release"], credential_id, connection_id, owner)


async def save(
    tx: Connection, keys: KeyRing, connection_id: str, credential_id: str, session: Session
) -> None:
    """Keep the session that verified a candidate."""
    sealed = keys.seal(session.secret, bound_to=session_binding(connection_id, credential_id))
    await tx.execute(QUERIES["session_save"], credential_id, connection_id, sealed)
