"""What the peers need: fetched once, apart from the project's own dependencies."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from lineshaft.tools.stack.kafka_jars import jars_of
from lineshaft.tools.stack.layout import Layout
from lineshaft.tools.stack.progress import Progress

BENCH = Path(__file__).parents[1]
REQUIREMENTS = BENCH / "requirements-peers.txt"


def connect_jars() -> Path:
    """The folder of Kafka Connect's jars."""
    return jars_of(BENCH / "connect" / "pom.xml", "bench-connect", Layout.discover(), Progress(quiet=True))


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
