import re

from lineshaft.tools.stack.odoo_environment import (
    DUMP,
    odoo_python,
    plant_dump,
    read_credentials,
    recipe_of,
)
from lineshaft.tools.stack.odoo_plant import LOGIN, OdooPlantSize
from lineshaft.tools.stack.odoo_rpc import OPERATOR_MARK, OdooSession
from lineshaft.tools.stack.odoo_server import DATABASE, OdooServer
from lineshaft.tools.stack.supervisor import Supervisor

ADMINISTRATOR = "admin"
STORY_OBJECT = "purchase.order"
_REQUEST = re.compile(r'"POST (?P<target>/jsonrpc\S*) HTTP/')


class OdooSource:
    """An Odoo 11 with a plant of its own: code of 2018 without security fixes, for the loopback only."""

    system = "odoo"
    item_label = "display_name"

    def __init__(
        self, supervisor: Supervisor, *, size: OdooPlantSize | None = None, name: str = "odoo"
    ) -> None:
        self._supervisor = supervisor
        self._size = size or OdooPlantSize()
        self._name = name
        self._server: OdooServer | None = None
        self._admin: OdooSession | None = None
        self._revoked: list[int] = []
        self.database = DATABASE
        self.username = LOGIN
        self.password = ""
        self._administrator_password = ""

    @property
    def server(self) -> OdooServer:
        if self._server is None:
            raise RuntimeError(f"{self._name} was not launched")
        return self._server

    @property
    def admin(self) -> OdooSession:
        """The plant's administrator."""
        if self._admin is None:
            raise RuntimeError(f"{self._name} was not launched")
        return self._admin

    @property
    def base_url(self) -> str:
        return self.server.base_url if self._server is not None else ""

    @property
    def connection_fields(self) -> dict[str, str]:
        """What a customer enters to connect this system."""
        return {
            "base_url": self.base_url,
            "database": self.database,
            "username": self.username,
            "password": self.password,
        }

    @property
    def administrator(self) -> dict[str, str]:
        return {"username": ADMINISTRATOR, "password": self._administrator_password}

    def prepare(self) -> None:
        plant_dump(self._supervisor, self._size)

    def launch(self) -> None:
        if self._server is not None:
            self._server.launch()
            return
        layout = self._supervisor.layout
        template = plant_dump(self._supervisor, self._size)
        credentials = read_credentials(template)
        python = odoo_python(layout, self._supervisor.progress)
        server = OdooServer(self._supervisor, python, recipe_of(layout) / "start.py", name=self._name)
        server.start_database(template / DUMP)
        server.launch()
        self._server = server
        self._administrator_password = credentials["admin_password"]
        self._admin = OdooSession(server.base_url, DATABASE, ADMINISTRATOR, self._administrator_password)
        self.password = credentials["password"]

    def wait_until_ready(self) -> None:
        self.server.wait_until_ready()
        self._supervisor.progress.say(self._name, f"ready on {self.base_url}, database {self.database}")

    def start(self) -> None:
        self.launch()
        self.wait_until_ready()

    def stop(self) -> None:
        """The database stays, so that the server can be started again."""
        if self._server is not None:
            self._server.stop_odoo()

    def change_password(self, password: str) -> None:
        self.admin.call("res.users", "write", [self._user()], {"password": password})
        self.password = password

    def deactivate_user(self) -> None:
        self.admin.call("res.users", "write", [self._user()], {"active": False})

    def activate_user(self) -> None:
        self.admin.call("res.users", "write", [self._user()], {"active": True})

    def rename_user(self, login: str, new_login: str) -> None:
        self.admin.call("res.users", "write", [self._user(login)], {"login": new_login})

    def add_user(self, login: str, password: str, like: str = LOGIN) -> int:
        """Another account with the rights of that one; its id."""
        (rights,) = self.admin.call("res.users", "read", [self._user(like)], ["groups_id"])
        values = {"name": login, "login": login, "password": password, "email": f"{login}@plant.example"}
        groups = [[6, 0, rights["groups_id"]]]
        return int(self.admin.call("res.users", "create", {**values, "groups_id": groups}))

    def requests_seen(self) -> int:
        """Requests about the plant so far, the operator's own apart."""
        text = self.server.child.log.read_text(encoding="utf-8", errors="replace")
        return sum(OPERATOR_MARK not in match["target"] for match in _REQUEST.finditer(text))

    def revoke_one_object(self) -> str:
        """Takes the right to read from every group."""
        where = [["model_id.model", "=", STORY_OBJECT], ["perm_read", "=", True]]
        self._revoked = self.admin.call("ir.model.access", "search", where)
        self.admin.call("ir.model.access", "write", self._revoked, {"perm_read": False})
        return STORY_OBJECT

    def restore_one_object(self) -> None:
        self.admin.call("ir.model.access", "write", self._revoked, {"perm_read": True})
        self._revoked = []

    def add_field(self, model: str, name: str, label: str, kind: str = "char") -> int:
        """A field that the customer makes at run time; Odoo wants `x_` in front of its name."""
        (model_id,) = self.admin.call("ir.model", "search", [["model", "=", model]])
        values = {
            "model_id": model_id,
            "name": name,
            "field_description": label,
            "ttype": kind,
            "state": "manual",
        }
        return int(self.admin.call("ir.model.fields", "create", values))

    def add_model(self, name: str, label: str) -> None:
        """A model that the customer makes at run time: everybody may read its records, and their `x_name`."""
        values = {"model": name, "name": label, "state": "manual"}
        model_id = self.admin.call("ir.model", "create", values)
        rights = {"perm_read": True, "perm_write": False, "perm_create": False, "perm_unlink": False}
        access = {"name": f"{label}: read", "model_id": model_id, **rights}
        self.admin.call("ir.model.access", "create", access)

    def remove_field(self, field_id: int) -> None:
        self.admin.call("ir.model.fields", "unlink", [field_id])

    def _user(self, login: str = LOGIN) -> int:
        everybody = {"active_test": False}
        (user,) = self.admin.call("res.users", "search", [["login", "=", login]], context=everybody)
        return int(user)
