"""The virtual environment of the peers: made once, apart from the project's own dependencies."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from lineshaft.tools.stack.layout import Layout

BENCH = Path(__file__).parents[1]
REQUIREMENTS = BENCH / "requirements-peers.txt"


def peers_python() -> Path:
    """The interpreter that has the peers; takes about a minute the first time."""
    digest = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:16]
    folder = Layout.discover().cache / f"bench-peers-{digest}"
    python = folder / "bin" / "python"
    ready = folder / ".installed"
    if not ready.exists():
        print(f"installing the peers into {folder}", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, "--require-hashes", "-r", str(REQUIREMENTS)], check=True)
        ready.touch()
    return python
