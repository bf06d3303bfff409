"""What a source holds now, told by the source itself to the customer's own user."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import httpx

from lineshaft.tools.stack.sandbox_source import SandboxSource
from lineshaft.tools.stack.tryton import TrytonSource
from lineshaft.tools.stack.tryton_rpc import TrytonSession

Row = dict[str, Any]
ChaosSource = TrytonSource | SandboxSource

SOURCE_PAGE = 2_000
SANDBOX_PAGE = 500


class Witness(Protocol):
    @property
    def objects(self) -> Mapping[str, str]:
        """Entity to object."""

    def compared(self, entity: str) -> Sequence[str]:
        """Fields that the source itself says; what hangs on others is left to the mapping's own tests."""

    def rows(self, entity: str) -> Iterator[Row]: ...


class TrytonWitness:
    objects: Mapping[str, str] = {
        "item": "product.product",
        "asset": "stock.lot",
        "location": "stock.location",
        "vendor": "party.party",
        "purchase_order": "purchase.purchase",
        "purchase_requisition": "purchase.request",
        "person": "company.employee",
        "stock_movement": "stock.move",
        "work_order": "production",
        "work_task": "production.work",
        "work_request": "quality.alert",
    }

    def __init__(self, source: TrytonSource) -> None:
        self._source = source

    def compared(self, entity: str) -> Sequence[str]:
        more = ["code", "description", "active"] if entity == "item" else []
        return ["id", "rec_name", "create_date", "write_date", *more]

    def rows(self, entity: str) -> Iterator[Row]:
        fields = self._source.connection_fields
        session = TrytonSession(
            self._source.base_url, self._source.database, fields["username"], fields["password"]
        )
        last, method = 0, f"model.{self.objects[entity]}.search_read"
        domain = _DOMAINS.get(entity, [])
        while rows := session.call(
            method, [*domain, ["id", ">", last]], 0, SOURCE_PAGE, [["id", "ASC"]], self.compared(entity)
        ):
            yield from rows
            last = rows[-1]["id"]


_ARCHIVED_TOO = ["active", "in", [True, False]]
_DOMAINS: Mapping[str, list[Any]] = {
    "item": [_ARCHIVED_TOO],
    "asset": [_ARCHIVED_TOO],
    "location": [_ARCHIVED_TOO, ["type", "in", ["warehouse", "storage", "view", "production"]]],
    "vendor": [_ARCHIVED_TOO],
    "stock_movement": [["state", "=", "done"]],
}


class SandboxWitness:
    objects: Mapping[str, str] = {
        "item": "parts",
        "asset": "assets",
        "location": "locations",
        "vendor": "vendors",
        "purchase_order": "purchase_orders",
        "work_order": "work_orders",
    }

    def __init__(self, source: SandboxSource) -> None:
        self._source = source

    def compared(self, entity: str) -> Sequence[str]:
        more = ["number", "name", "description", "active"] if entity == "item" else []
        return ["id", "created_at", "updated_at", *more]

    def rows(self, entity: str) -> Iterator[Row]:
        fields = self._source.connection_fields
        auth = (fields["username"], fields["password"])
        with httpx.Client(base_url=self._source.base_url, auth=auth, timeout=30, trust_env=False) as client:
            asked: dict[str, Any] = {"limit": SANDBOX_PAGE}
            while True:
                page = client.get(f"/v1/{self.objects[entity]}", params=asked).raise_for_status().json()
                yield from page["data"]
                if page["next_cursor"] is None:
                    return
                asked["cursor"] = page["next_cursor"]


def witness_of(source: ChaosSource) -> Witness:
    return TrytonWitness(source) if isinstance(source, TrytonSource) else SandboxWitness(source)
