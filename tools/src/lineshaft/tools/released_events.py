"""Which changes of events replicas of the version before cannot read, or make what it has written unreadable.

`python -m lineshaft.tools.released_events` writes the events of this checkout as the released ones.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lineshaft.tools.generate.events import event_models
from lineshaft.tools.generate.unified import entity_schemas
from lineshaft.tools.stack.layout import find_checkout

PLACE = Path("tests/contract/released_events.json")
_LIMITS = ("minimum", "maximum", "exclusiveMinimum", "minLength", "maxLength", "format", "pattern")

Schema = Mapping[str, Any]


def current_events() -> dict[str, Schema]:
    """JSON Schema by event type; of unified entities by their place in docs/reference."""
    own = {event_type: model.model_json_schema() for event_type, model in event_models().items()}
    return own | {place: json.loads(text) for place, text in entity_schemas().items()}


def released_events() -> dict[str, Schema]:
    found: dict[str, Schema] = json.loads((find_checkout() / PLACE).read_text(encoding="utf-8"))
    return found


def breaks(released: Mapping[str, Schema], current: Mapping[str, Schema]) -> list[str]:
    """What keeps the two from running side by side; empty where all is well."""
    found = [f"{event_type} is gone" for event_type in released.keys() - current.keys()]
    for event_type in sorted(released.keys() & current.keys()):
        before, after = released[event_type], current[event_type]
        found += _Pair(before.get("$defs", {}), after.get("$defs", {})).breaks(before, after, event_type)
    return sorted(found)


class _Pair:
    def __init__(self, before: Schema, after: Schema) -> None:
        self._before, self._after = before, after
        self._open: set[tuple[str, str]] = set()

    def breaks(self, before: Schema, after: Schema, where: str) -> Iterator[str]:
        names = (str(before.get("$ref")), str(after.get("$ref")))
        if "$ref" in before and "$ref" in after:
            if names in self._open:
                return
            self._open.add(names)
        yield from self._compared(_target(before, self._before), _target(after, self._after), where)
        self._open.discard(names)

    def _compared(self, before: Schema, after: Schema, where: str) -> Iterator[str]:
        if "anyOf" in before or "anyOf" in after:
            yield from self._choices(before, after, where)
            return
        if before.get("type") != after.get("type"):
            yield f"{where}: {before.get('type')} became {after.get('type')}"
            return
        if set(before.get("enum", ())) != set(after.get("enum", ())):
            yield f"{where}: its values were {before.get('enum')} and are {after.get('enum')}"
        for limit in _LIMITS:
            if before.get(limit) != after.get(limit):
                yield f"{where}: {limit} was {before.get(limit)} and is {after.get(limit)}"
        for part in ("items", "additionalProperties"):
            old, new = before.get(part), after.get(part)
            if isinstance(old, Mapping) and isinstance(new, Mapping):
                yield from self.breaks(old, new, f"{where}[]")
            elif old != new:
                yield f"{where}: {part} was {old} and is {new}"
        yield from self._fields(before, after, where)

    def _fields(self, before: Schema, after: Schema, where: str) -> Iterator[str]:
        had, has = before.get("properties", {}), after.get("properties", {})
        must = set(after.get("required", ())) - set(before.get("required", ()))
        for name in sorted(had.keys() - has.keys()):
            yield f"{where}.{name} is gone"
        for name in sorted(must):
            yield f"{where}.{name} needs a default: events without it are still in the topics"
        for name in sorted(had.keys() & has.keys()):
            yield from self.breaks(had[name], has[name], f"{where}.{name}")

    def _choices(self, before: Schema, after: Schema, where: str) -> Iterator[str]:
        old = {_kind(one): one for one in before.get("anyOf", (before,))}
        new = {_kind(one): one for one in after.get("anyOf", (after,))}
        if old.keys() != new.keys():
            yield f"{where}: was {' or '.join(sorted(old))} and is {' or '.join(sorted(new))}"
            return
        for kind, choice in old.items():
            yield from self.breaks(choice, new[kind], where)


def _target(schema: Schema, definitions: Schema) -> Schema:
    if "$ref" not in schema:
        return schema
    found: Schema = definitions[schema["$ref"].rpartition("/")[2]]
    return found


def _kind(choice: Schema) -> str:
    if "$ref" in choice:
        return str(choice["$ref"].rpartition("/")[2])
    return " ".join(filter(None, (str(choice.get("type")), choice.get("format"))))


def main() -> None:
    text = json.dumps(current_events(), indent=1, sort_keys=True) + "\n"
    (find_checkout() / PLACE).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
