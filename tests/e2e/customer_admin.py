"""What the administrator at the customer's does to their own Tryton or Odoo while we are connected."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from lineshaft.tools.stack.odoo import OdooSource
from lineshaft.tools.stack.sources import Source
from lineshaft.tools.stack.tryton import TrytonSource

_MOVED_AWAY = "lineshaft-before"


@dataclass(frozen=True, slots=True)
class Field:
    """A field that is new at the source, with the value that all its records have."""

    entity: str
    object: str
    name: str
    value: str


class Admin(Protocol):
    label: str
    """Of the system, as people know it."""
    field: Field
    more_object: str
    """An object that is not there yet."""
    name_field: str
    """Of its records."""

    def add_a_field(self) -> None: ...

    def add_an_object(self) -> list[str]:
        """With records of these names, in order, that the account may read."""

    def give_the_login_to_another_account(self, password: str) -> None: ...

    def give_the_login_back(self) -> None: ...

    def forget_failed_logins(self) -> None: ...

    def assert_holds(self, written: Mapping[str, Mapping[str, Any]]) -> None:
        """What was written through the unified model stands in the system itself, by routes."""


class TrytonAdmin:
    label = "Tryton"
    field = Field("asset", "stock.lot", "expiration_date", "2027-06-30")
    more_object = "stock.package.type"
    name_field = "name"

    def __init__(self, source: TrytonSource) -> None:
        self._source = source
        self._operator = source.operator

    def add_a_field(self) -> None:
        """In Tryton new fields come with a module."""
        self._operator.activate_module("stock_lot_sled")
        lots = self._operator.call("model.stock.lot.search", [], 0, None, None)
        day = {"__class__": "date", "year": 2027, "month": 6, "day": 30}
        self._operator.call("model.stock.lot.write", lots, {"expiration_date": day})

    def add_an_object(self) -> list[str]:
        self._operator.activate_module("stock_package")
        self._operator.grant_read(self.more_object)
        names = ["Euro pallet", "Mesh box"]
        self._operator.call(f"model.{self.more_object}.create", [{"name": name} for name in names])
        return names

    def give_the_login_to_another_account(self, password: str) -> None:
        self._operator.rename_user(self._source.username, _MOVED_AWAY)
        self._operator.add_user(self._source.username, password)

    def give_the_login_back(self) -> None:
        self._operator.rename_user(self._source.username, "another")
        self._operator.rename_user(_MOVED_AWAY, self._source.username)

    def forget_failed_logins(self) -> None:
        self._source.unlock_logins()

    def assert_holds(self, written: Mapping[str, Mapping[str, Any]]) -> None:
        bolts, order = (int(written[route]["source_id"]) for route in ("vendors", "purchase-orders"))
        (party,) = self._operator.call("model.party.party.read", [bolts], ["name"])
        assert party["name"] == "Bolts & Nuts"
        names = ["party", "description", "reference", "state"]
        (purchase,) = self._operator.call("model.purchase.purchase.read", [order], names)
        assert [purchase[name] for name in names] == [bolts, "More bolts", "B-4711", "draft"]


class OdooAdmin:
    label = "Odoo"
    field = Field("asset", "maintenance.equipment", "x_abc", "A")
    more_object = "x_lubrication"
    name_field = "x_name"

    def __init__(self, source: OdooSource) -> None:
        self._source = source

    def add_a_field(self) -> None:
        self._source.add_field("maintenance.equipment", "x_abc", "ABC class")
        everything: list[Any] = self._source.admin.call("maintenance.equipment", "search", [])
        self._source.admin.call("maintenance.equipment", "write", everything, {"x_abc": "A"})

    def add_an_object(self) -> list[str]:
        self._source.add_model(self.more_object, "Lubrication point")
        names = ["LP-1", "LP-2"]
        for name in names:
            self._source.admin.call(self.more_object, "create", {"x_name": name})
        return names

    def give_the_login_to_another_account(self, password: str) -> None:
        self._source.rename_user(self._source.username, _MOVED_AWAY)
        self._source.add_user(self._source.username, password, like=_MOVED_AWAY)

    def give_the_login_back(self) -> None:
        self._source.rename_user(self._source.username, "another")
        self._source.rename_user(_MOVED_AWAY, self._source.username)

    def forget_failed_logins(self) -> None:
        """Odoo keeps none."""

    def assert_holds(self, written: Mapping[str, Mapping[str, Any]]) -> None:
        request = int(written["work-orders"]["source_id"])
        names = ["name", "maintenance_type", "priority", "stage_id"]
        (found,) = self._source.admin.call("maintenance.request", "read", [request], names)
        assert [found[name] for name in names[:3]] == ["Pump leaks badly", "corrective", "3"]
        assert found["stage_id"][0] == 2  # In Progress


def admin_of(source: Source) -> Admin:
    if isinstance(source, TrytonSource):
        return TrytonAdmin(source)
    assert isinstance(source, OdooSource)
    return OdooAdmin(source)
