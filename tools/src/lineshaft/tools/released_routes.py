"""Which changes of the API a client of the version before would stumble over.

What is asked for and what is answered may grow; neither may shrink, and nothing new may be demanded. Answers
may have new values: a client passes over those that it does not know.

`python -m lineshaft.tools.released_routes` writes the routes of this checkout as the released ones.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from lineshaft.common.unified import ENTITIES, ROUTES
from lineshaft.tools.generate.routes import EXAMPLE, description
from lineshaft.tools.stack.layout import find_checkout

PLACE = Path("tests/contract/released_routes.json")
REFERENCE = "#/components/schemas/"

Schema = Mapping[str, Any]
Side = Literal["takes", "gives"]


def current_routes() -> dict[str, Any]:
    """What each route takes and gives, with the schemas that they name.

    Of the routes that every entity has, one entity's stand for all; the others have to be there.
    """
    openapi = description()
    others = tuple(f"/v1/{ROUTES[entity]}" for entity in ENTITIES if entity != EXAMPLE)
    routes = {
        f"{method.upper()} {path}": {} if path.startswith(others) else _route(operation)
        for path, methods in openapi["paths"].items()
        for method, operation in methods.items()
    }
    schemas = openapi["components"]["schemas"]
    return {"routes": routes, "schemas": {name: schemas[name] for name in sorted(_named(routes, schemas))}}


def released_routes() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((find_checkout() / PLACE).read_text(encoding="utf-8"))
    return found


def breaks(released: Mapping[str, Any], current: Mapping[str, Any]) -> list[str]:
    """What a client would stumble over; empty where all is well."""
    before, after = released["routes"], current["routes"]
    found = [f"{route} is gone" for route in before.keys() - after.keys()]
    for route in before.keys() & after.keys():
        if not before[route]:
            continue
        for side in ("takes", "gives"):
            pair = _Pair(released["schemas"], current["schemas"], side)
            found += pair.breaks(before[route][side], after[route][side], f"{route} {side}")
    return sorted(found)


def _route(operation: Schema) -> dict[str, Schema]:
    parameters = [*operation.get("parameters", ())]
    fields = {one["name"]: one["schema"] for one in parameters}
    required = [one["name"] for one in parameters if one.get("required")]
    if (body := operation.get("requestBody")) is not None:
        fields["body"] = _content(body)
        required += ["body"] if body.get("required") else []
    answers = {
        status: _content(answer)
        for status, answer in operation["responses"].items()
        if status.startswith("2")
    }
    return {
        "takes": {"type": "object", "properties": fields, "required": sorted(required)},
        "gives": {"type": "object", "properties": answers},
    }


def _content(part: Schema) -> Schema:
    """The schema of a body; nothing in particular where there is none."""
    for media in part.get("content", {}).values():
        found: Schema = media.get("schema", {})
        return found
    return {}


def _named(part: Any, schemas: Schema) -> set[str]:
    """The schemas that a part refers to, and those that they refer to."""
    found: set[str] = set()
    waiting = [part]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Mapping):
            name = str(one.get("$ref", "")).removeprefix(REFERENCE)
            if name and name not in found:
                found.add(name)
                waiting.append(schemas[name])
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    return found


class _Pair:
    def __init__(self, before: Schema, after: Schema, side: Side) -> None:
        self._before, self._after = before, after
        self._side = side
        self._open: set[str] = set()

    def breaks(self, before: Schema, after: Schema, where: str) -> Iterator[str]:
        name = str(before.get("$ref", ""))
        if name and name in self._open:
            return
        self._open.add(name)
        old, new = _choices(before, self._before), _choices(after, self._after)
        if self._side == "takes" and (lost := old.keys() - new.keys()) and "anything" not in new:
            yield f"{where}: {_either(lost)} is taken no more"
        if self._side == "gives" and (more := new.keys() - old.keys()) and "anything" not in old:
            yield f"{where}: it may be {_either(more)} now"
        for kind in old.keys() & new.keys():
            yield from self._compared(old[kind], new[kind], where)
        self._open.discard(name)

    def _compared(self, before: Schema, after: Schema, where: str) -> Iterator[str]:
        if "enum" in after and (lost := set(before.get("enum", ())) - set(after["enum"])):
            yield f"{where}: {_either(lost)} is gone"
        for part in ("items", "additionalProperties"):
            old, new = before.get(part), after.get(part)
            if isinstance(old, Mapping) and isinstance(new, Mapping):
                yield from self.breaks(old, new, f"{where}[]")
        had, has = before.get("properties", {}), after.get("properties", {})
        for name in sorted(had.keys() - has.keys()):
            yield f"{where}.{name} is gone"
        if self._side == "takes":
            for name in sorted(set(after.get("required", ())) - set(before.get("required", ()))):
                yield f"{where}.{name} is demanded now"
        for name in sorted(had.keys() & has.keys()):
            yield from self.breaks(had[name], has[name], f"{where}.{name}")


def _choices(schema: Schema, schemas: Schema) -> dict[str, Schema]:
    """What a value may be, by kind."""
    if "$ref" in schema:
        return _choices(schemas[schema["$ref"].removeprefix(REFERENCE)], schemas)
    if "anyOf" in schema:
        return {kind: one for choice in schema["anyOf"] for kind, one in _choices(choice, schemas).items()}
    kind = " ".join(filter(None, (schema.get("type"), schema.get("format"))))
    return {kind or "anything": schema}


def _either(names: set[str]) -> str:
    return " or ".join(sorted(names))


def main() -> None:
    text = json.dumps(current_routes(), indent=1, sort_keys=True) + "\n"
    (find_checkout() / PLACE).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
