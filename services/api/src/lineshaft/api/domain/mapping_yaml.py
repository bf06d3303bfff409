"""A customer's changes as YAML, so that they can live in a repository."""

import re
from typing import Any

import yaml

from lineshaft.api.domain.problems import invalid

MAX_BYTES = 64 * 1024
UNFIT = (yaml.YAMLError, ValueError, TypeError, LookupError, ArithmeticError, RecursionError)
"""What PyYAML raises for text that it cannot make values of."""


_TAG = "tag:yaml.org,2002:"
_CORE = (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", list("-+0123456789")),
    ("float", r"[-+]?(?:0|[1-9][0-9]*)\.[0-9]+(?:[eE][-+][0-9]+)?", list("-+0123456789")),
)


class _Loader(yaml.SafeLoader):
    """Reads what was written, where PyYAML follows YAML 1.1: there `0010` is 8, `12:30` 750 and `no` false.

    A key, such as a code, is a text. There are no aliases: a few lines of them stand for more than any memory
    holds.
    """

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  PyYAML keeps them by class

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = parent.start_mark if parent else None
            raise yaml.composer.ComposerError(None, None, "aliases are not allowed; write it out", mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002  PyYAML's own signature
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                key.tag = f"{_TAG}str"
                if key.value in seen:
                    words = f"the key {key.value!r} is given twice"
                    raise yaml.constructor.ConstructorError(None, None, words, key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


for _name, _form, _first in _CORE:
    _Loader.add_implicit_resolver(f"{_TAG}{_name}", re.compile(rf"^(?:{_form})$"), _first)


def to_yaml(changes: dict[str, Any]) -> str:
    return yaml.safe_dump(changes, sort_keys=False, allow_unicode=True, width=110)


def from_yaml(text: bytes) -> dict[str, Any]:
    """Raises `ProblemError` with the line of what cannot be read."""
    if len(text) > MAX_BYTES:
        raise invalid("body", f"a mapping as YAML has at most {MAX_BYTES} bytes")
    try:
        changes = yaml.load(text.decode(), Loader=_Loader)  # noqa: S506  a safe loader
    except UNFIT as error:
        raise invalid("body", _reason(error)) from None
    if not isinstance(changes, dict):
        raise invalid("body", "expected the changes as a YAML mapping: fields, custom_fields, value_maps")
    return changes


def _reason(error: Exception) -> str:
    """PyYAML quotes the text around its marks; the line and what is wrong there are enough."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f"is no YAML: line {mark.line + 1}, column {mark.column + 1}: {error.problem}"
    return " ".join(str(error).split())[:500] or "it is nested too deep"
