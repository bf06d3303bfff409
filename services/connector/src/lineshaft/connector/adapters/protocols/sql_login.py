"""How a connection to a database is opened: one login at a time for each credential."""

import time
from collections.abc import Sequence
from dataclasses import replace

from lineshaft.common.http.addresses import AddressPolicy
from lineshaft.common.outcomes import Operation
from lineshaft.connector.adapters.protocols.sql_addresses import checked_addresses
from lineshaft.connector.adapters.protocols.sql_dialect import Dialect, Place, SqlConnection
from lineshaft.connector.adapters.protocols.sql_errors import meaning_of, meaning_without_answer
from lineshaft.connector.domain.evidence import Evidence, SourceFailureError, shortened
from lineshaft.connector.domain.sessions import Sessions


class SqlLogin:
    """A database keeps no session that others could use, so each connection is a login of its own.

    It is opened while its worker holds the login of the credentials: where they are refused, everybody
    who waits finds the gate closed, and the database is asked once.
    """

    def __init__(self, dialect: Dialect, place: Place, policy: AddressPolicy, sessions: Sessions) -> None:
        self._dialect = dialect
        self._place = place
        self._policy = policy
        self._sessions = sessions

    async def open(self) -> SqlConnection:
        """Raises SourceFailureError, and what the sessions raise."""
        opened: list[SqlConnection] = []

        async def login(_: bytes | None) -> bytes:
            opened.append(await self._dial())
            return b"connected"

        try:
            session = await self._sessions.get(login)
            while not opened:
                session = await self._sessions.renew(session, login)
        except BaseException:
            for connection in opened:
                await connection.close()
            raise
        return opened[-1]

    async def _dial(self) -> SqlConnection:
        started = time.perf_counter()
        try:
            addresses = await checked_addresses(self._policy, self._place.host, self._place.port)
            return await self._first_that_answers(addresses)
        except Exception as error:
            found = evidence_of(error, Operation.LOGIN, self._dialect, (self._place.password,))
            took = (time.perf_counter() - started) * 1000
            raise SourceFailureError(replace(found, duration_ms=took)) from error

    async def _first_that_answers(self, addresses: Sequence[str]) -> SqlConnection:
        for address in addresses[:-1]:
            try:
                return await self._dialect.connect(self._place, address)
            except Exception as error:
                if self._dialect.fault(error) is not None:
                    raise
        return await self._dialect.connect(self._place, addresses[-1])


def evidence_of(
    error: BaseException,
    operation: Operation,
    dialect: Dialect,
    secrets: tuple[str, ...],
    object_name: str | None = None,
) -> Evidence:
    """What an exception in place of an answer comes to."""
    fault = dialect.fault(error)
    meaning = meaning_of(fault, dialect.codes) if fault else meaning_without_answer(error)
    return Evidence(
        outcome=meaning.finding.outcome,
        operation=operation,
        object=object_name,
        code=meaning.code,
        message=shortened(meaning.message, secrets),
        rung=meaning.finding.rung,
        confidence=meaning.finding.confidence,
    )
