"""Starts Tryton on the plant in the data folder; the first time on a copy of the image's own."""  # noqa: INP001  a script of Tryton's environment

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
TEMPLATE = Path(os.environ.get("DEMO_TEMPLATE", HERE / "plant"))
DATA = Path(os.environ["TRYTOND_DATABASE__PATH"])
DATABASE = "plant"


def main() -> None:
    if not (DATA / f"{DATABASE}.sqlite").exists():
        copy_plant()
    sys.stdout.write(
        f"connect to database {DATABASE} as {os.environ['DEMO_USERNAME']} / {os.environ['DEMO_PASSWORD']}\n"
    )
    sys.stdout.flush()
    # Without a named database the first calls fail on models that are not loaded.
    os.execv(sys.executable, [sys.executable, "-m", "trytond.cli", "--database", DATABASE])  # noqa: S606  no shell


def copy_plant() -> None:
    """The database shows up in the data folder only when it is complete, passwords included."""
    new = DATA / "new"
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir()
    for file in TEMPLATE.glob(f"{DATABASE}.sqlite*"):
        shutil.copy(file, new)
    subprocess.run(  # noqa: S603  our own script
        [sys.executable, HERE / "set_passwords.py", DATABASE],
        env={**os.environ, "TRYTOND_DATABASE__PATH": str(new)},
        check=True,
    )
    for file in sorted(new.iterdir(), reverse=True):
        file.replace(DATA / file.name)
    new.rmdir()


if __name__ == "__main__":
    main()
