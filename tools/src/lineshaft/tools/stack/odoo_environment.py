import json
import secrets
from dataclasses import asdict
from pathlib import Path
from typing import TypedDict

from lineshaft.tools.stack.cache import cached, recipe_hash
from lineshaft.tools.stack.files import write_atomically
from lineshaft.tools.stack.layout import Layout
from lineshaft.tools.stack.odoo_plant import OdooPlantSize, fill
from lineshaft.tools.stack.odoo_rpc import OdooSession
from lineshaft.tools.stack.odoo_server import OdooServer
from lineshaft.tools.stack.progress import Progress
from lineshaft.tools.stack.python_environment import python_environment
from lineshaft.tools.stack.supervisor import Supervisor

DUMP = "plant.dump"
CREDENTIALS = "credentials.json"
MODULES = ("maintenance", "stock", "purchase", "mrp")
_REQUIREMENTS = ("requirements.txt", "addons.txt")


class OdooCredentials(TypedDict):
    admin_password: str
    password: str


def odoo_python(layout: Layout, progress: Progress) -> Path:
    """The interpreter of an environment with the pinned Odoo, built when the pins are new."""
    libraries, addons = (recipe_of(layout) / name for name in _REQUIREMENTS)
    # Its wheels of 2018 name libraries that have no build for a Python of today.
    pins = [(libraries, []), (addons, ["--no-deps"])]
    return python_environment(
        layout.cache, "odoo", pins, lambda: progress.building("odoo", "the environment of Odoo", 35)
    )


def plant_dump(supervisor: Supervisor, size: OdooPlantSize) -> Path:
    """A folder with a dump of the database of a filled plant and its credentials."""
    layout, progress = supervisor.layout, supervisor.progress
    recipe = recipe_of(layout)
    inputs = [recipe / name for name in (*_REQUIREMENTS, "start.py")]
    inputs.append(Path(__file__).with_name("odoo_plant.py"))
    python = odoo_python(layout, progress)

    def build(folder: Path) -> None:
        progress.building("odoo", "a plant database of Odoo", 90)
        server = OdooServer(supervisor, python, recipe / "start.py", name="odoo-template")
        server.start_database()
        try:
            server.install(MODULES)
            server.launch()
            server.wait_until_ready()
            credentials = _fill(server, size)
            server.stop_odoo()
            server.run_tool("pg_dump", "--format=custom", f"--file={folder / DUMP}")
        finally:
            server.stop()
        write_atomically(folder / CREDENTIALS, json.dumps(credentials))

    parameters = (*MODULES, json.dumps(asdict(size), sort_keys=True))
    return cached(layout.cache / f"odoo-plant-{recipe_hash(inputs, *parameters)}", build)


def _fill(server: OdooServer, size: OdooPlantSize) -> OdooCredentials:
    credentials = OdooCredentials(
        admin_password=secrets.token_urlsafe(18), password=secrets.token_urlsafe(12)
    )
    admin = OdooSession(server.base_url, server.database, "admin", "admin")
    fill(admin, size, credentials["password"])
    admin.call("res.users", "write", [admin.login()], {"password": credentials["admin_password"]})
    return credentials


def recipe_of(layout: Layout) -> Path:
    return layout.checkout / "tools" / "odoo"


def read_credentials(template: Path) -> OdooCredentials:
    credentials: OdooCredentials = json.loads((template / CREDENTIALS).read_text(encoding="utf-8"))
    return credentials
