from collections.abc import Mapping
from typing import Any

from lineshaft.tools.stack.tryton_rpc import TrytonSession

GROUP = "Integration"
# Access to a product is the better one of its own and its template's.
_SHARED_ACCESS = {"product.product": ["product.product", "product.template"]}
_TOUCHED_FIELD = {
    "party.party": "name",
    "product.product": "description",
    "stock.lot": "number",
    "stock.location": "name",
    "purchase.purchase": "reference",
}


class TrytonOperator:
    """What the plant's administrator does to the running system, over Tryton's own interface."""

    def __init__(self, session: TrytonSession, username: str) -> None:
        self._session = session
        self._username = username
        self._revoked: dict[str, list[int]] = {}

    def call(self, method: str, *parameters: Any) -> Any:
        return self._session.call(method, *parameters)

    def change_password(self, password: str) -> None:
        """Ends every session of the integration's user at once."""
        self._write("res.user", [self._user(self._username)], {"password": password})

    def deactivate_user(self) -> None:
        self._write("res.user", [self._user(self._username)], {"active": False})

    def activate_user(self) -> None:
        self._write("res.user", [self._user(self._username, active=False)], {"active": True})

    def add_user(self, name: str, password: str) -> int:
        """Another account with the rights of the integration's user; its id."""
        group = self._only("res.group", [["name", "=", GROUP]])
        company = self._only("company.company", [])
        values = {
            "name": name,
            "login": name,
            "password": password,
            "groups": [["add", [group]]],
            "companies": [["add", [company]]],
            "company": company,
        }
        (user,) = self.call("model.res.user.create", [values])
        return int(user)

    def add_key(self) -> str:
        """Of the integration's user for Tryton's REST; one that an administrator makes is valid at once."""
        values = {"application": "rest", "user": self._user(self._username)}
        made = self.call("model.res.user.application.create", [values])
        (row,) = self.call("model.res.user.application.read", made, ["key"])
        return str(row["key"])

    def cancel_keys(self) -> None:
        valid = self.call("model.res.user.application.search", [["state", "=", "validated"]], 0, None, None)
        self.call("model.res.user.application.cancel", valid)

    def rename_user(self, login: str, new_login: str) -> None:
        self._write("res.user", [self._user(login)], {"login": new_login})

    def activate_module(self, name: str) -> None:
        """As the menu does it: the running system gets what the module adds."""
        module = self._only("ir.module", [["name", "=", name]])
        self.call("model.ir.module.activate", [module])
        wizard, *_ = self.call("wizard.ir.module.activate_upgrade.create")
        self.call("wizard.ir.module.activate_upgrade.execute", wizard, {}, "upgrade")

    def grant_read(self, model: str) -> None:
        """To the integration's group, as for a model that came with a module."""
        group = self._only("res.group", [["name", "=", GROUP]])
        self.call("model.ir.model.access.create", [{"model": model, "group": group, "perm_read": True}])

    def revoke_read(self, model: str) -> None:
        """Takes the right from the integration's group; from the next request on."""
        models = _SHARED_ACCESS.get(model, [model])
        of_the_group = [["model", "in", models], ["group.name", "=", GROUP], ["perm_read", "=", True]]
        granted = self.call("model.ir.model.access.search", of_the_group, 0, None, None)
        self._write("ir.model.access", granted, {"perm_read": False})
        self._revoked.setdefault(model, []).extend(granted)

    def restore_read(self, model: str) -> None:
        self._write("ir.model.access", self._revoked.pop(model, []), {"perm_read": True})

    def rename_vendor(self, code: str, name: str) -> int:
        vendor = self._only("party.party", [["code", "=", code]])
        self._write("party.party", [vendor], {"name": name})
        return vendor

    def add_vendor(self, code: str, name: str) -> int:
        (vendor,) = self.call("model.party.party.create", [{"code": code, "name": name}])
        return int(vendor)

    def touch(self, model: str, record_id: int) -> None:
        """Write a field with the value it has: only write_date moves."""
        field = _TOUCHED_FIELD[model]
        (row,) = self.call(f"model.{model}.read", [record_id], [field])
        self._write(model, [record_id], {field: row[field]})

    def update(self, model: str, record_id: int, values: Mapping[str, Any]) -> None:
        self._write(model, [record_id], values)

    def delete(self, model: str, record_id: int) -> None:
        self.call(f"model.{model}.delete", [record_id])

    def count(self, model: str) -> int:
        return int(self.call(f"model.{model}.search_count", [], 0, None))

    def _user(self, login: str, *, active: bool = True) -> int:
        return self._only("res.user", [["login", "=", login], ["active", "=", active]])

    def _only(self, model: str, domain: list[Any]) -> int:
        (record_id,) = self.call(f"model.{model}.search", domain, 0, 2, None)
        return int(record_id)

    def _write(self, model: str, record_ids: list[int], values: Mapping[str, Any]) -> None:
        if record_ids:
            self.call(f"model.{model}.write", record_ids, dict(values))
