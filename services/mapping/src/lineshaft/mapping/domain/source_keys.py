"""The key of a source record, read without decoding the rest of it."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from lineshaft.common.errors import LineshaftError
from lineshaft.common.mapping.paths import compile_path, parse_path
from lineshaft.common.unified import join_source_key

ReadKey = Callable[[bytes | msgspec.Raw], str]


class NoKeyError(LineshaftError):
    """A record from which no key can be read."""


def key_reader(fields: Sequence[str]) -> ReadKey:
    """A function from a raw record to its source id.

    It raises `NoKeyError` where a part of the key is missing or is no text or whole number. Of several parts
    some may be empty texts, as with SAP, but not all.
    """
    paths = [parse_path(field) for field in fields]
    if any(len(path.segments) > 1 for path in paths):
        getters = [compile_path(path) for path in paths]

        def parts_at_paths(raw: bytes | msgspec.Raw) -> list[Any]:
            record = msgspec.json.decode(raw, type=dict[str, Any])
            return [get(record) for get in getters]

        return _reader(fields, parts_at_paths)
    names = [path.segments[0].name for path in paths]
    shape = msgspec.defstruct(
        "Key",
        [(f"part_{index}", Any, msgspec.field(name=name)) for index, name in enumerate(names)],
        gc=False,
    )
    decode = msgspec.json.Decoder(shape).decode
    if len(names) == 1:
        return _single_reader(fields, decode)

    def parts_of_fields(raw: bytes | msgspec.Raw) -> list[Any]:
        return list(msgspec.structs.astuple(decode(raw)))

    return _reader(fields, parts_of_fields)


def _single_reader(fields: Sequence[str], decode: Callable[[Any], Any]) -> ReadKey:
    def read(raw: bytes | msgspec.Raw) -> str:
        try:
            part = decode(raw).part_0
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise NoKeyError(f"key {', '.join(fields)}: {error}") from None
        if type(part) is int:
            return str(part)
        return _text(fields[0], part)

    return read


def _reader(fields: Sequence[str], parts_of: Callable[[Any], list[Any]]) -> ReadKey:
    def read(raw: bytes | msgspec.Raw) -> str:
        try:
            parts = parts_of(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise NoKeyError(f"key {', '.join(fields)}: {error}") from None
        if all(part == "" for part in parts):
            raise NoKeyError(f"key {', '.join(fields)}: all of it is empty")
        return join_source_key(
            [part if part == "" else _text(field, part) for field, part in zip(fields, parts, strict=True)]
        )

    return read


def _text(field: str, part: object) -> str:
    if isinstance(part, bool) or not isinstance(part, (str, int)) or part == "":
        raise NoKeyError(f"key {field}: {part!r} is neither a text nor a whole number")
    text = str(part)
    if "\0" in text:
        raise NoKeyError(f"key {field}: a NUL character")
    return text
