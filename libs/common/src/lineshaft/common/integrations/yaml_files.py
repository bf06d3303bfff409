"""Reads one YAML file into one model, with errors that say where."""

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from lineshaft.common.integrations.errors import Fault, IntegrationError

Model = TypeVar("Model", bound=BaseModel)


class _Loader(yaml.SafeLoader):
    """Refuses a key that is given twice, where YAML would take the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002  PyYAML's own signature
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is given twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def read_yaml(file: Path) -> Any:
    """Raises `IntegrationError` with the line if the file is missing or no YAML."""
    try:
        return yaml.load(file.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506  a safe loader
    except OSError as error:
        raise IntegrationError(Fault(file, str(error.strerror))) from error
    except yaml.YAMLError as error:
        mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
        line = mark.line + 1 if mark is not None else None
        raise IntegrationError(Fault(file, " ".join(str(error).split()), line=line)) from error


def read_model(file: Path, model: type[Model]) -> Model:
    """Raises `IntegrationError` naming the file, the line, each wrong key and what is allowed there."""
    content = read_yaml(file)
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise IntegrationError(
            *(fault_at(file, *_explain(one, model)) for one in error.errors(include_url=False))
        ) from error


def fault_at(file: Path, key: str | None, message: str) -> Fault:
    """A fault of a key, dotted, with its line: that of the nearest key above where it is not there."""
    return Fault(file, message, key, _line_of(file, key) if key else 1)


def _line_of(file: Path, key: str) -> int:
    node = yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    line, rest = 1, key
    while node is not None and rest:
        for part_node, value, part in _parts(node):
            if rest == part or rest.startswith(f"{part}."):
                line, node, rest = part_node.start_mark.line + 1, value, rest[len(part) + 1 :]
                break
        else:
            break
    return line


def _parts(node: yaml.Node) -> list[tuple[yaml.Node, yaml.Node, str]]:
    """The longest first, for a key may have dots of its own."""
    if isinstance(node, yaml.MappingNode):
        found = [(key, value, str(key.value)) for key, value in node.value]
        return sorted(found, key=lambda one: -len(one[2]))
    if isinstance(node, yaml.SequenceNode):
        return [(value, value, str(number)) for number, value in enumerate(node.value)]
    return []


def _explain(error: Any, model: type[BaseModel]) -> tuple[str | None, str]:
    key = ".".join(str(part) for part in error["loc"]) or None
    if error["type"] == "extra_forbidden":
        allowed = _allowed_at(model, error["loc"][:-1])
        return key, f"there is no such key{f'; allowed are {allowed}' if allowed else ''}"
    return key, str(error["msg"]).removeprefix("Value error, ")


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
