"""Paths into a source record.

`state`            a key
`party.rec_name`   a key inside the object under another key
`lines.0.price`    an item of a list, counted from 0
`tags.name`        a name applied to a list is applied to each of its items
`'a.b'.c`          quotes keep a key that holds a dot in one piece; `''` stands for one quote

Some systems answer a related record beside its key, as `{"party": 5, "party.": {"rec_name": "ACME"}}`
(Tryton). Where more of the path follows, a bare name therefore takes the key with the trailing dot
first. So a path reads like the field name that the request asked for.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

Getter = Callable[[dict[str, Any]], Any]

MAX_LENGTH = 500
MAX_SEGMENTS = 20

_SEGMENT = re.compile(r"'((?:[^']|'')+)'|([^.'\s][^.']*)")


class PathError(ValueError):
    """A path that cannot be read; the message says where."""


@dataclass(frozen=True, slots=True)
class Segment:
    name: str
    quoted: bool = False

    @property
    def index(self) -> int | None:
        return int(self.name) if not self.quoted and self.name.isdecimal() else None


@dataclass(frozen=True, slots=True)
class Path:
    text: str
    segments: tuple[Segment, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names on the way without list positions and without the dot of related records."""
        return tuple(segment.name.removesuffix(".") for segment in self.segments if segment.index is None)


def parse_path(text: str) -> Path:
    """Raises `PathError` with the position of what cannot be read."""
    if len(text) > MAX_LENGTH:
        raise PathError(f"longer than {MAX_LENGTH} characters")
    segments: list[Segment] = []
    position = 0
    while True:
        match = _SEGMENT.match(text, position)
        if match is None:
            raise PathError(f"expected a name at position {position} of {text!r}")
        quoted, bare = match.groups()
        segments.append(Segment(quoted.replace("''", "'"), quoted=True) if quoted else Segment(bare.rstrip()))
        position = match.end()
        if position == len(text):
            break
        if text[position] != ".":
            raise PathError(f"expected a dot at position {position} of {text!r}")
        position += 1
    if len(segments) > MAX_SEGMENTS:
        raise PathError(f"more than {MAX_SEGMENTS} names")
    return Path(text, tuple(segments))


def compile_path(path: Path, *, related: bool = False) -> Getter:
    """A function from a record to the value at `path`, or to null.

    Args:
        path: where to look.
        related: prefer the related records over the bare key at the last name too, as lists of objects do.
    """
    *parents, last = path.segments
    if not parents:
        return _first(last, related=related)
    first = _first(parents[0], related=True)
    if len(parents) == 1 and not related and last.index is None:
        return _child(first, last.name)
    steps = [_step(segment, related=True) for segment in parents[1:]]
    steps.append(_step(last, related=related))

    def get(record: dict[str, Any]) -> Any:
        value = first(record)
        for step in steps:
            if value is None:
                return None
            value = step(value)
        return value

    return get


def _first(segment: Segment, *, related: bool) -> Getter:
    name = segment.name
    if segment.quoted or not related:
        return lambda record: record.get(name)
    dotted = f"{name}."

    def get(record: dict[str, Any]) -> Any:
        value = record.get(dotted)
        return record.get(name) if value is None else value

    return get


def _child(parent: Getter, name: str) -> Getter:
    step = _step(Segment(name, quoted=True), related=False)

    def get(record: dict[str, Any]) -> Any:
        value = parent(record)
        return value.get(name) if type(value) is dict else step(value)

    return get


def _step(segment: Segment, *, related: bool) -> Callable[[Any], Any]:
    key = _first(segment, related=related)
    index = segment.index

    def step(value: Any) -> Any:
        if isinstance(value, dict):
            return key(cast("dict[str, Any]", value))
        if isinstance(value, list):
            if index is None:
                return [step(item) for item in value]
            return value[index] if index < len(value) else None
        return None

    return step
