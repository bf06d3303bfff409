"""What is wrong with YAML that does not fit its model, in the words of who wrote it."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

_QUOTES = "has to be a text; YAML reads it as {kind}: put it in quotes"
_KINDS: Mapping[type, str] = {bool: "true or false", int: "a number", float: "a number"}
_BLOCKS = ("model_type", "model_attributes_type", "dict_type")


def explain(error: ValidationError, model: type[BaseModel], content: Any) -> Iterator[tuple[str | None, str]]:
    """Each wrong key, dotted, once, with what is allowed there."""
    told = set()
    for one in error.errors(include_url=False):
        place = _written(one["loc"], content, missing=one["type"] == "missing")
        if place not in told:
            told.add(place)
            yield ".".join(map(str, place)) or None, _words(one, model, place)


def _written(loc: tuple[int | str, ...], content: Any, *, missing: bool) -> tuple[int | str, ...]:
    """Only what the author wrote of a place: a validator names itself in it, too."""
    place: list[int | str] = []
    here = content
    for number, part in enumerate(loc):
        if part == "[key]":
            continue
        inside = _inside(here, part)
        if inside is _NOTHING and not (missing and number == len(loc) - 1):
            continue
        place.append(part)
        here = inside
    return tuple(place)


_NOTHING = object()


def _inside(here: Any, part: int | str) -> Any:
    if isinstance(here, Mapping):
        # a key that is no text stands in the place as one
        return here.get(part, next((value for key, value in here.items() if str(key) == part), _NOTHING))
    return here[part] if isinstance(here, list) and isinstance(part, int) and part < len(here) else _NOTHING


def _words(one: Any, model: type[BaseModel], place: tuple[int | str, ...]) -> str:
    if one["type"] == "extra_forbidden":
        allowed = _allowed_at(model, place[:-1])
        return f"there is no such key; {f'allowed are {allowed}' if allowed else 'leave it out'}"
    if one["type"] == "string_type":
        return _QUOTES.format(kind=_kind(one["input"])) if _scalar(one["input"]) else "has to be a text"
    if one["type"] == "list_type":
        return "has to be a list, such as [a, b]"
    if one["type"] in _BLOCKS:
        allowed = _allowed_at(model, place)
        return f"has to be keys with values{f'; allowed are {allowed}' if allowed else ''}"
    return str(one["msg"]).removeprefix("Value error, ")


def _scalar(value: Any) -> bool:
    return value is not None and not isinstance(value, dict | list)


def _kind(value: Any) -> str:
    return _KINDS.get(type(value), "a date")


def _allowed_at(model: type[BaseModel], place: tuple[int | str, ...]) -> str:
    schema = model.model_json_schema()
    here: Any = schema
    for part in place:
        here = _resolved(here, schema)
        known = here.get("properties", {})
        here = known.get(part) or here.get("items") or here.get("additionalProperties") or {}
    here = _resolved(here, schema)
    return ", ".join(here.get("properties", {}))


def _resolved(here: Any, schema: dict[str, Any]) -> Any:
    for option in here.get("anyOf", ()):
        if "$ref" in option:
            here = option
    if "$ref" in here:
        return schema["$defs"][here["$ref"].rsplit("/", 1)[-1]]
    return here
