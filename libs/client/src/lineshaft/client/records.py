"""One entity of one connection: read, and written back to the source."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from lineshaft.client.answers import Record
from lineshaft.client.transport import Transport


class Records:
    """`route` is the segment of the URL: `work-orders`, `vendors`, `objects/lubrication_points`."""

    def __init__(self, transport: Transport, route: str, connection_id: str | None = None) -> None:
        self._transport = transport
        self._path = f"/{route}"
        self._connection_id = connection_id

    def list(
        self,
        *,
        modified_after: datetime | None = None,
        include: tuple[str, ...] = (),
        fields: tuple[str, ...] = (),
        **filters: str,
    ) -> Iterator[Record]:
        """All that match, page after page; with `modified_after`, in the order of their changes.

        `include` takes `raw` and `deleted`; filters are `number`, `source_id` and `status`, if it has one.
        """
        return self._transport.pages(
            self._path,
            connection_id=self._connection_id,
            modified_after=modified_after.isoformat() if modified_after else None,
            include=include or None,
            fields=fields or None,
            **filters,
        )

    def get(self, record_id: str, *, include: tuple[str, ...] = ()) -> Record:
        """One by its unified id.

        Raises:
            ProblemError: `not_found`.
        """
        answer: Record = self._transport.get(
            f"{self._path}/{record_id}", connection_id=self._connection_id, include=include or None
        )
        return answer

    def create(self, values: Mapping[str, Any], *, idempotency_key: str) -> Record:
        """Sent again with the same key, it is done once.

        Raises:
            ProblemError: `source_rejected` with the source's own words, `reauthorization_required`,
                `connection_unavailable` with `retry_after`, or `outcome_unknown`.
        """
        return self._write("POST", self._path, values, idempotency_key)

    def update(self, record_id: str, values: Mapping[str, Any], *, idempotency_key: str) -> Record:
        """Changes these fields alone; raises what `create` raises."""
        return self._write("PATCH", f"{self._path}/{record_id}", values, idempotency_key)

    def delete(self, record_id: str, *, idempotency_key: str) -> None:
        """Where the system can; raises what `create` raises."""
        self._write("DELETE", f"{self._path}/{record_id}", None, idempotency_key)

    def _write(self, method: str, path: str, values: Mapping[str, Any] | None, key: str) -> Record:
        answer = self._transport.request(
            method,
            path,
            values,
            parameters={"connection_id": self._connection_id},
            headers={"Idempotency-Key": key},
        )
        record: Record = self._transport.json_of(answer) if answer.content else {}
        return record
