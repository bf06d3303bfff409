"""Console sessions: only the hash of a session's cookie is stored."""

from dataclasses import dataclass
from datetime import datetime

from lineshaft.api.adapters.postgres import SQL, build_or_none
from lineshaft.api.domain.keys import key_hash
from lineshaft.api.domain.sign_in import Role
from lineshaft.common.postgres.pool import Pool


@dataclass(frozen=True, slots=True)
class ConsoleSession:
    who: str
    role: Role


async def begin_session(
    pool: Pool,
    token: str,
    session: ConsoleSession,
    *,
    expires_at: datetime,
    key_id: str | None = None,
    mark: str | None = None,
) -> None:
    """It lasts as long as the admin key `key_id`, or the password that `mark` is of, is in force."""
    await pool.execute(
        SQL["insert_console_session"],
        key_hash(token),
        session.who,
        session.role,
        key_id,
        mark,
        expires_at,
    )


async def find_console_session(
    pool: Pool, token: str, *, marks: list[str], at: datetime
) -> ConsoleSession | None:
    row = await pool.fetchrow(SQL["console_session"], key_hash(token), marks, at)
    return build_or_none(ConsoleSession, row, role=Role)


async def end_session(pool: Pool, token: str) -> None:
    await pool.execute(SQL["end_console_session"], key_hash(token))
