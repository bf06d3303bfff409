"""The credentials of connections: candidates, the version in force, and the change from one to the other."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson

from lineshaft.common.encryption import KeyRing
from lineshaft.common.errors import RetryableError
from lineshaft.common.integrations.oauth import CLIENT_ID, CLIENT_SECRET
from lineshaft.common.postgres.pool import Connection, Pool
from lineshaft.connector.adapters.postgres import QUERIES, Database
from lineshaft.connector.domain.credentials import InForce


@dataclass(frozen=True, slots=True)
class Candidate:
    credential_id: str
    values: Mapping[str, str] = field(repr=False)
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Credential:
    """The credentials in force and the source that they open."""

    connection_id: str
    credential_id: str
    version: int
    system: str
    settings: Mapping[str, Any]
    account_id: str
    promoted_at: datetime
    values: Mapping[str, str] = field(repr=False)


class Credentials:
    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys

    async def candidate(self, pool: Pool, connection_id: str, credential_id: str) -> Candidate | None:
        """None where it was decided on before, or never existed.

        Raises:
            UnreadableSecretError: no key of ours opens it, or it is another row's.
        """
        row = await pool.fetchrow(QUERIES["credential_candidate"], credential_id, connection_id)
        if row is None:
            return None
        return Candidate(
            credential_id, self._open(row["sealed"], connection_id, credential_id), row["created_at"]
        )

    async def in_force(self, pool: Pool, connection_id: str) -> Credential | None:
        row = await pool.fetchrow(QUERIES["credential_in_force"], connection_id)
        if row is None:
            return None
        return Credential(
            connection_id=connection_id,
            credential_id=row["credential_id"],
            version=row["version"],
            system=row["system"],
            settings=row["settings"],
            account_id=row["account_id"],
            promoted_at=row["promoted_at"],
            values=self._open(row["sealed"], connection_id, row["credential_id"]),
        )

    async def oauth_client(self, pool: Pool, system: str) -> dict[str, str]:
        """What the operator has registered with a system, under the names of credentials; empty for nothing.

        Raises:
            UnreadableSecretError: no key of ours opens it, or it is another row's.
        """
        row = await pool.fetchrow(QUERIES["oauth_client"], system)
        if row is None or row["client_id"] is None:
            return {}
        client = {CLIENT_ID: row["client_id"]}
        if row["sealed"] is not None:
            bound_to = oauth_client_binding(system, row["registration_id"])
            secret = self._keys.open(row["sealed"], bound_to=bound_to)
            client[CLIENT_SECRET] = secret.decode()
        return client

    def _open(self, sealed: bytes, connection_id: str, credential_id: str) -> dict[str, str]:
        plain = self._keys.open(sealed, bound_to=credential_binding(connection_id, credential_id))
        return {str(name): str(value) for name, value in orjson.loads(plain).items()}


def credential_binding(connection_id: str, credential_id: str) -> str:
    return f"credential/{connection_id}/{credential_id}"


def oauth_client_binding(system: str, registration_id: str) -> str:
    return f"oauth_client/{system}/{registration_id}"


async def lock_in_force(tx: Connection, connection_id: str) -> InForce | None:
    await tx.execute(QUERIES["credential_turn"], connection_id)
    row = await tx.fetchrow(QUERIES["credential_lock_in_force"], connection_id)
    return InForce(row["credential_id"], row["version"], row["promoted_at"]) if row else None


async def promote(
    tx: Connection,
    connection_id: str,
    credential_id: str,
    *,
    replacing: InForce | None,
    account_id: str,
) -> int:
    """The new version.

    Raises:
        RetryableError: the candidate is no longer one; its secret may be forgotten by now.
    """
    if replacing is not None:
        await tx.execute(QUERIES["credential_retire"], connection_id, replacing.credential_id)
    version: int | None = await tx.fetchval(
        QUERIES["credential_promote"], connection_id, credential_id, account_id
    )
    if version is None:
        raise RetryableError(f"{credential_id} is no candidate any more")
    return version


async def forget(tx: Connection, connection_id: str, last_version: int) -> None:
    """Those in force when a connection was ended; later ones are of a customer who connected again."""
    await tx.execute(QUERIES["credential_forget"], connection_id, last_version)


async def drop(tx: Database, connection_id: str, credential_id: str, state: str) -> None:
    """A candidate that will not come into force: its secret is wiped."""
    await tx.execute(QUERIES["credential_drop"], connection_id, credential_id, state)


async def drop_forgotten(pool: Pool, age: timedelta) -> None:
    await pool.execute(QUERIES["credential_drop_forgotten"], age)
