"""What happened, as append-only JSON lines, and a pure check of it.

Writers: the generator says what the source holds in the end (`expected`), the receiver what it got, in the
order of each key (`event`), the dumper what the store holds (`stored`). None of them looks at the others.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import orjson

Kind = Literal["expected", "event", "stored"]


@dataclass(frozen=True, slots=True)
class Line:
    """One observation about one key. `content` is anything that two observers can compare."""

    kind: Kind
    key: str
    content: Any = None
    revision: int = 0
    event_id: str = ""


class History:
    """The file; each line is whole or absent, whoever is killed."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, lines: Iterable[Line]) -> None:
        with self.path.open("ab", buffering=0) as file:
            for line in lines:
                file.write(orjson.dumps(asdict(line)) + b"\n")

    def read(self) -> Iterator[Line]:
        for text in self.path.read_bytes().split(b"\n")[:-1]:
            yield Line(**orjson.loads(text))


@dataclass(slots=True)
class Verdict:
    """Keys, each list in the order in which it was found. Only `duplicated` can be innocent.

    lost: expected, and not stored or never told. phantom: stored or told, and not expected.
    duplicated: told again under the same id with the same content: what a crash between two steps may do.
    conflicting: one id with two contents, or two ids for one revision.
    reordered: told for the first time after a higher revision of its key.
    stale: the store does not hold what is expected, or not what was told last.
    """

    lost: list[str] = field(default_factory=list)
    phantom: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    conflicting: list[str] = field(default_factory=list)
    reordered: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)

    @property
    def faults(self) -> dict[str, list[str]]:
        return {name: keys for name, keys in asdict(self).items() if keys and name != "duplicated"}


def check(lines: Iterable[Line]) -> Verdict:
    expected: dict[str, Line] = {}
    stored: dict[str, Line] = {}
    events: dict[str, list[Line]] = {}
    for line in lines:
        if line.kind == "event":
            events.setdefault(line.key, []).append(line)
        else:
            (expected if line.kind == "expected" else stored)[line.key] = line

    verdict = Verdict()
    verdict.lost = [key for key in expected if key not in stored or key not in events]
    verdict.phantom = sorted((stored.keys() | events.keys()) - expected.keys())
    highest = {key: _check_key(key, told, verdict) for key, told in events.items()}
    for key, line in stored.items():
        last = highest.get(key)
        if (key in expected and expected[key].content != line.content) or (
            last is not None and (last.revision, last.content) != (line.revision, line.content)
        ):
            verdict.stale.append(key)
    return verdict


def _check_key(key: str, told: list[Line], verdict: Verdict) -> Line:
    """Notes the faults among the events of one key; the one with the highest revision."""
    by_id: dict[str, Line] = {}
    id_of: dict[int, str] = {}
    highest = told[0]
    for line in told:
        if line.event_id in by_id:
            known = by_id[line.event_id]
            same = (known.content, known.revision) == (line.content, line.revision)
            (verdict.duplicated if same else verdict.conflicting).append(key)
            continue
        by_id[line.event_id] = line
        if id_of.setdefault(line.revision, line.event_id) != line.event_id:
            verdict.conflicting.append(key)
        elif line.revision < highest.revision:
            verdict.reordered.append(key)
        highest = max(highest, line, key=lambda one: one.revision)
    return highest
