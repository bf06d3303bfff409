"""Writes the one function that fills all fields of a document, since calls are what a record costs most.

The text is made of the fixed lines below and of numbers. Whatever a definition says (names, paths, codes)
enters as an object that the text refers to by a numbered name, so no definition can become code.
"""

from collections.abc import Callable
from typing import Any

from xxhash import xxh3_128_hexdigest

from lineshaft.common.mapping.errors import UNFIT_VALUE
from lineshaft.common.mapping.failures import Failed
from lineshaft.common.mapping.paths import Getter
from lineshaft.common.mapping.scalars import to_string
from lineshaft.common.mapping.values import Record, Run, UnmappedCodeError, label_of

Document = dict[str, Any]
Fill = Callable[[Record, Document, Run], None]

_HEAD = ["def fill(record, document, run):", "    get = record.get", "    connection_id = run.connection_id"]
_TEXT = "value if type(value) is str else to_string(value)"


class FillWriter:
    """Collects the lines of a fill, field by field, and makes the function."""

    def __init__(self) -> None:
        self._lines = list(_HEAD)
        self._objects: dict[str, Any] = {
            "UNFIT_VALUE": UNFIT_VALUE,
            "UnmappedCodeError": UnmappedCodeError,
            "digest": xxh3_128_hexdigest,
            "label_of": label_of,
            "to_string": to_string,
        }

    def call(self, fill: Fill) -> None:
        """Hands a field over to a fill of its own."""
        self._lines.append(f"    {self._name(fill)}(record, document, run)")

    def field(
        self,
        key: str,
        source: str | Getter,
        failed: Failed,
        value_lines: list[str],
        *,
        takes_false: bool,
        instead: list[str],
    ) -> None:
        """One field.

        Args:
            key: where it goes in the document.
            source: a key of the record, or a function that reads it.
            failed: told what does not fit.
            value_lines: what to do with the value: see `plain`, `text`, `enumeration`, `reference`, `fitted`.
            takes_false: `false` is a value.
            instead: what to do where there is none, in lines of the same kind.
        """
        # Most values are true, and then none of these.
        false = "" if takes_false else " or value is False"
        empty = f"not value and (value is None or value == ''{false})"
        key_name = self._name(key)
        self._lines += [
            "    value = None",
            "    try:",
            f"        value = {self._read(source)}",
            f"        if {empty}:",
            *(f"            {line.replace('KEY', key_name)}" for line in instead),
            "        else:",
            *(f"            {line.replace('KEY', key_name)}" for line in value_lines),
            "    except UNFIT_VALUE as error:",
            f"        {self._name(failed)}(run, value, error)",
        ]

    def assign(self, value: object) -> str:
        """As if the source had given this value."""
        return f"value = {self._name(value)}"

    def constant(self, value: object) -> list[str]:
        return [f"document[KEY] = {self._name(value)}"]

    def text(self) -> list[str]:
        return [f"document[KEY] = {_TEXT}"]

    def plain(self, coerce: Callable[[Any], Any]) -> list[str]:
        """Needs nothing but the value."""
        return [f"document[KEY] = {self._name(coerce)}(value)"]

    def fitted(self, fit: Callable[[Any, Record, Run], Any]) -> list[str]:
        """Needs the record or the run too."""
        return [f"document[KEY] = {self._name(fit)}(value, record, run)"]

    def reference(self, target: str, label: str | Getter | None) -> list[str]:
        """The id is `unified.entity_id`, without the call."""
        between = self._name(f"\0{target}\0")
        return [
            f"key = {_TEXT}",
            *self._label(label),
            f"key_digest = digest((connection_id + {between} + key).encode())",
            "document[KEY] = {'display': label, 'id': key_digest, 'source_id': key}",
        ]

    def enumeration(
        self, beside: str, codes: dict[str, Any], other: Any, label: str | Getter | None, failed: Failed
    ) -> list[str]:
        return [
            f"code = {_TEXT}",
            *self._label(label),
            f"document[{self._name(beside)}] = {{'code': code, 'label': label}}",
            f"unified = document[KEY] = {self._name(codes)}.get(code, {self._name(other)})",
            "if unified is None:",
            f"    {self._name(failed)}(run, code, UnmappedCodeError(code))",
        ]

    def make(self) -> Fill:
        exec("\n".join(self._lines), self._objects)  # noqa: S102  fixed lines and numbered names only
        fill: Fill = self._objects["fill"]
        return fill

    def _label(self, source: str | Getter | None) -> list[str]:
        """Sets `label` to the text there; most are texts, which need no call."""
        if source is None:
            return ["label = None"]
        return [
            f"label = {self._read(source)}",
            "if type(label) is not str or not label:",
            "    label = label_of(label)",
        ]

    def _read(self, source: str | Getter) -> str:
        return f"get({self._name(source)})" if isinstance(source, str) else f"{self._name(source)}(record)"

    def _name(self, value: object) -> str:
        name = f"_{len(self._objects)}"
        self._objects[name] = value
        return name
