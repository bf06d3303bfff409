import json
import os
import secrets
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypedDict

from lineshaft.tools.stack.build_tool import build_step
from lineshaft.tools.stack.cache import cached, recipe_hash
from lineshaft.tools.stack.files import write_atomically
from lineshaft.tools.stack.layout import Layout
from lineshaft.tools.stack.progress import Progress
from lineshaft.tools.stack.python_environment import python_environment

DATABASE = "plant"
CREDENTIALS = "credentials.json"
_MODULES = (
    *("ir", "res", "party", "company", "product", "stock", "stock_lot", "purchase", "purchase_request"),
    *("production", "production_routing", "production_work", "quality"),
)
_MAXIMUM_ATTEMPTS = 5
_SESSION_SECONDS = 3600


@dataclass(frozen=True)
class PlantSize:
    vendors: int = 60
    products: int = 300
    lots: int = 120
    purchases: int = 40


class PlantCredentials(TypedDict):
    admin_password: str
    username: str
    password: str


def tryton_python(layout: Layout, progress: Progress) -> Path:
    """The interpreter of an environment with the pinned Tryton, built when the pins are new."""
    pins: list[tuple[Path, list[str]]] = [(_recipe(layout) / "requirements.txt", [])]
    return python_environment(
        layout.cache, "tryton", pins, lambda: progress.building("tryton", "the environment of Tryton", 20)
    )


def plant_template(layout: Layout, progress: Progress, size: PlantSize) -> Path:
    """A folder with the SQLite database of a filled plant and its credentials."""
    recipe = _recipe(layout)
    inputs = [recipe / name for name in ("requirements.txt", "fill.py", "plant.py", "workshop.py", "bulk.py")]
    python = tryton_python(layout, progress)

    def build(folder: Path) -> None:
        progress.building("tryton", f"a plant database with {size.products} products", 50)
        # On disk the thousands of small commits take three times as long.
        workshop = layout.fast_folder / "tryton-template"
        workshop.mkdir()
        try:
            _build_database(python, recipe, workshop, size)
            for name in (f"{DATABASE}.sqlite", CREDENTIALS):
                shutil.copy2(workshop / name, folder / name)
        finally:
            shutil.rmtree(workshop, ignore_errors=True)

    parameters = (*_MODULES, json.dumps(asdict(size), sort_keys=True))
    return cached(layout.cache / f"tryton-plant-{recipe_hash(inputs, *parameters)}", build)


def write_configuration(folder: Path, port: int) -> Path:
    """The server's configuration for the databases in `folder`."""
    path = folder / "trytond.conf"
    path.write_text(
        f"[database]\nuri = sqlite://\npath = {folder}\n"
        f"[web]\nlisten = 127.0.0.1:{port}\n"
        f"[session]\nmax_attempt = {_MAXIMUM_ATTEMPTS}\ntimeout = {_SESSION_SECONDS}\n",
        encoding="utf-8",
    )
    return path


def _build_database(python: Path, recipe: Path, folder: Path, size: PlantSize) -> None:
    configuration = write_configuration(folder, port=0)
    # Tryton creates a SQLite database only in a file that is there.
    (folder / f"{DATABASE}.sqlite").touch(mode=0o600)
    admin_password = secrets.token_urlsafe(18)
    password_file = folder / "admin-password"
    write_atomically(password_file, admin_password)
    build_step(
        "creating the plant database",
        [
            *(python, "-m", "trytond.cli.admin", "-c", configuration, "-d", DATABASE, "-u", *_MODULES),
            *("--activate-dependencies", "--email", "admin@plant.example", "--password"),
        ],
        environment={"TRYTONPASSFILE": str(password_file)},
    )
    credentials = folder / CREDENTIALS
    counts = [f"--{name}={count}" for name, count in asdict(size).items()]
    build_step(
        "filling the plant database",
        [
            *(python, recipe / "fill.py", "--database", DATABASE, "--credentials", credentials),
            *counts,
        ],
        environment={"TRYTOND_CONFIG": str(configuration)},
    )
    user = json.loads(credentials.read_text(encoding="utf-8"))
    write_atomically(credentials, json.dumps({"admin_password": admin_password, **user}))


def _recipe(layout: Layout) -> Path:
    return layout.checkout / "tools" / "tryton"


def read_credentials(template: Path) -> PlantCredentials:
    credentials: PlantCredentials = json.loads((template / CREDENTIALS).read_text(encoding="utf-8"))
    return credentials


def clean_environment() -> dict[str, str]:
    return {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
