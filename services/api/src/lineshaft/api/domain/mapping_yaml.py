"""A customer's changes as YAML, so that they can live in a repository."""

from typing import Any

import yaml

from lineshaft.api.domain.problems import invalid

MAX_BYTES = 64 * 1024
UNFIT = (yaml.YAMLError, ValueError, TypeError, LookupError, ArithmeticError, RecursionError)
"""What PyYAML raises for text that it cannot make values of."""


class _Loader(yaml.SafeLoader):
    """Without aliases: a few lines of them stand for more than any memory holds."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = parent.start_mark if parent else None
            raise yaml.composer.ComposerError(None, None, "aliases are not allowed; write it out", mark)
        return super().compose_node(parent, index)


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
