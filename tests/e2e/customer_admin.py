"""What the administrator at the customer's does to their own Tryton or Odoo while we are connected."""

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
    name: str
    value: str


class Admin(Protocol):
    label: str
    """Of the system, as people know it."""
    more_object: str
    """An object that the account may read and that nothing maps."""

    def add_a_field(self) -> Field: ...

    def give_the_login_to_another_account(self, password: str) -> None: ...

    def give_the_login_back(self) -> None: ...

    def forget_failed_logins(self) -> None: ...


class TrytonAdmin:
    label = "Tryton"
    more_object = "party.address"

    def __init__(self, source: TrytonSource) -> None:
        self._source = source
        self._operator = source.operator

    def add_a_field(self) -> Field:
        """In Tryton new fields come with a module."""
        self._operator.activate_module("stock_lot_sled")
        lots = self._operator.call("model.stock.lot.search", [], 0, None, None)
        day = {"__class__": "date", "year": 2027, "month": 6, "day": 30}
        self._operator.call("model.stock.lot.write", lots, {"expiration_date": day})
        return Field("asset", "expiration_date", "2027-06-30")

    def give_the_login_to_another_account(self, password: str) -> None:
        self._operator.rename_user(self._source.username, _MOVED_AWAY)
        self._operator.add_user(self._source.username, password)

    def give_the_login_back(self) -> None:
        self._operator.rename_user(self._source.username, "another")
        self._operator.rename_user(_MOVED_AWAY, self._source.username)

    def forget_failed_logins(self) -> None:
        self._source.unlock_logins()


class OdooAdmin:
    label = "Odoo"
    more_object = "maintenance.equipment.category"

    def __init__(self, source: OdooSource) -> None:
        self._source = source

    def add_a_field(self) -> Field:
        self._source.add_field("maintenance.equipment", "x_abc", "ABC class")
        everything: list[Any] = self._source.admin.call("maintenance.equipment", "search", [])
        self._source.admin.call("maintenance.equipment", "write", everything, {"x_abc": "A"})
        return Field("asset", "x_abc", "A")

    def give_the_login_to_another_account(self, password: str) -> None:
        self._source.rename_user(self._source.username, _MOVED_AWAY)
        self._source.add_user(self._source.username, password, like=_MOVED_AWAY)

    def give_the_login_back(self) -> None:
        self._source.rename_user(self._source.username, "another")
        self._source.rename_user(_MOVED_AWAY, self._source.username)

    def forget_failed_logins(self) -> None:
        """Odoo keeps none."""


def admin_of(source: Source) -> Admin:
    if isinstance(source, TrytonSource):
        return TrytonAdmin(source)
    assert isinstance(source, OdooSource)
    return OdooAdmin(source)
