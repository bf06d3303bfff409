"""Statements on one connection, and what a refusal is about, where only a second statement tells."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from lineshaft.common.outcomes import Operation, Outcome
from lineshaft.connector.adapters.protocols.sql_dialect import (
    Dialect,
    Place,
    Row,
    RowCountError,
    SqlConnection,
    Statement,
    Table,
)
from lineshaft.connector.adapters.protocols.sql_login import SqlLogin, evidence_of
from lineshaft.connector.domain.evidence import Evidence, SourceFailureError, shortened
from lineshaft.connector.domain.fields import sole

T = TypeVar("T")

GRACE_SECONDS = 5.0
"""The database ends a statement that takes too long; this much later we do."""


class SqlCalls:
    """The connection is opened with the first statement."""

    def __init__(
        self, dialect: Dialect, place: Place, login: SqlLogin, table_of: Callable[[str], Table]
    ) -> None:
        self._dialect = dialect
        self._seconds = place.statement_seconds + GRACE_SECONDS
        self._secrets = (place.password,)
        self._login = login
        self._table_of = table_of
        self._connection: SqlConnection | None = None

    async def rows(
        self,
        statement: Statement,
        operation: Operation,
        object_name: str | None = None,
        columns: Sequence[str] = (),
    ) -> Sequence[Row]:
        connection = await self.open()
        return await self.told(connection.rows(statement), operation, object_name, columns, "select")

    async def told(
        self,
        call: Coroutine[Any, Any, T],
        operation: Operation,
        object_name: str | None,
        columns: Sequence[str],
        right: str,
    ) -> T:
        """The call's result, or the failure with its evidence."""
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self._seconds):
                return await call
        except (RowCountError, SourceFailureError):
            raise
        except Exception as error:
            evidence = self.evidence(error, operation, object_name)
            evidence = replace(evidence, duration_ms=(time.perf_counter() - started) * 1000)
            if object_name is not None:
                if evidence.outcome is Outcome.PERMISSION_DENIED:
                    evidence = await self._explained(error, evidence, object_name, columns, right)
                elif evidence.outcome is Outcome.CONFIGURATION_ERROR and columns:
                    evidence = await self._located(evidence, object_name, columns)
            raise SourceFailureError(evidence) from error

    async def _explained(
        self, error: BaseException, evidence: Evidence, object_name: str, columns: Sequence[str], right: str
    ) -> Evidence:
        fault = self._dialect.fault(error)
        if fault is None or self._connection is None:
            return evidence
        try:
            found = await self._dialect.explain(
                self._connection, fault, self._table_of(object_name), columns, right
            )
        except Exception as second:  # noqa: BLE001  what only explains must not hide what is explained
            if self._dialect.fault(second) is None:
                return evidence
            return replace(evidence, confidence="low")
        if found is None:
            return evidence
        words = shortened(f"{evidence.message} ({found.words})", self._secrets)
        return replace(
            evidence,
            outcome=found.outcome,
            confidence=found.confidence,
            code=found.name or evidence.code,
            message=words,
            field=sole(found.columns),
        )

    async def _located(self, evidence: Evidence, object_name: str, columns: Sequence[str]) -> Evidence:
        """Which of the columns is not there, where the table is."""
        if self._connection is None:
            return evidence
        try:
            rows = await self._connection.rows(self._dialect.columns(self._table_of(object_name)))
        except Exception:  # noqa: BLE001  what only explains must not hide what is explained
            return evidence
        there = {self._dialect.column(row).name for row in rows}
        return replace(evidence, field=sole([name for name in columns if there and name not in there]))

    async def open(self) -> SqlConnection:
        if self._connection is None:
            self._connection = await self._login.open()
        return self._connection

    def evidence(
        self, error: BaseException, operation: Operation, object_name: str | None = None
    ) -> Evidence:
        return evidence_of(error, operation, self._dialect, self._secrets, object_name)

    async def aclose(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()
