import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict

from lineshaft.tools.stack.files import write_atomically


class ConnectionState(TypedDict):
    id: str
    system: str
    token: str


class SourceState(TypedDict):
    """What a customer enters to connect the plant, and how its own administrator gets in."""

    system: str
    connection_fields: Mapping[str, str]
    administrator: Mapping[str, str]


class StackState(TypedDict):
    """What `var/stack.json` says about the running stack. Only its owner may read it: it holds keys."""

    ready: bool
    api_url: str
    admin_key: str
    kafka_bootstrap: str
    postgres_dsn: str
    metrics: Mapping[str, str]
    source: SourceState | None
    connections: Sequence[ConnectionState]
    pids: Mapping[str, int]


def write_state(path: Path, state: StackState) -> None:
    write_atomically(path, json.dumps(state, indent=2) + "\n")


def read_state(path: Path) -> StackState | None:
    """None where no stack has written its state."""
    try:
        state: StackState = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return state
