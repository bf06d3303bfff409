"""Reads one YAML file into one model, with errors that say where."""

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from lineshaft.common.integrations.errors import Fault, IntegrationError
from lineshaft.common.integrations.explanations import explain

Model = TypeVar("Model", bound=BaseModel)


_WORD = {"true", "false"}


class _Loader(yaml.CSafeLoader):
    """Refuses what YAML would read as something else than it looks like.

    A key that is given twice, where the last one would count; `no:`, which would be false; `1:30` and `010`,
    which would be 90 and 8.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002  PyYAML's own signature
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, bool) and key_node.value.lower() not in _WORD:
                words = f"YAML reads the key {key_node.value} as {str(key).lower()}: put it in quotes"
                raise yaml.constructor.ConstructorError(None, None, words, key_node.start_mark)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is given twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep=deep)

    def construct_yaml_number(self, node: yaml.ScalarNode) -> int | float:
        text = node.value.lstrip("+-")
        number = (
            self.construct_yaml_int(node) if node.tag.endswith(":int") else self.construct_yaml_float(node)
        )
        if ":" in text or (len(text) > 1 and text[0] == "0" and text[1].isdigit()):
            words = (
                f"YAML reads {node.value} as {number}: put it in quotes, or write the number that is meant"
            )
            raise yaml.constructor.ConstructorError(None, None, words, node.start_mark)
        return number


for _tag in ("int", "float"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", _Loader.construct_yaml_number)


def read_yaml(file: Path) -> Any:
    """Raises `IntegrationError` with the line if the file is missing or no YAML."""
    try:
        return _read(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise IntegrationError(Fault(file, str(error.strerror))) from error
    except UnicodeDecodeError as error:
        raise IntegrationError(Fault(file, "is no text in UTF-8", line=1)) from error
    except yaml.YAMLError as error:
        raise IntegrationError(_no_yaml(file, error)) from error


def _read(text: str) -> Any:
    """By libyaml, as services read all folders when they start; what is wrong, PyYAML itself tells better."""
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506  a safe loader
    except yaml.YAMLError:
        yaml.compose(text, Loader=yaml.SafeLoader)
        raise


def _no_yaml(file: Path, error: yaml.YAMLError) -> Fault:
    if not isinstance(error, yaml.MarkedYAMLError):
        return Fault(file, " ".join(str(error).split()), line=1)
    mark = error.problem_mark or error.context_mark
    words = " ".join(filter(None, (error.context, error.problem)))
    return Fault(file, words, line=mark.line + 1 if mark is not None else 1)


def read_model(file: Path, model: type[Model]) -> Model:
    """Raises `IntegrationError` naming the file, the line, each wrong key and what is allowed there."""
    content = read_yaml(file)
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise IntegrationError(*(fault_at(file, *one) for one in explain(error, model, content))) from error


def fault_at(file: Path, key: str | None, message: str) -> Fault:
    """A fault of a key, dotted, with its line: that of the nearest key above where it is not there."""
    return Fault(file, message, key, _line_of(file, key) if key else 1)


def _line_of(file: Path, key: str) -> int:
    node = yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
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
