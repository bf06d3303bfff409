"""Codes that a table declares, read off the definitions that databases print."""

import re
from collections.abc import Iterable, Mapping

from lineshaft.connector.domain.codes import declared_codes

_LITERAL = r"'(?:[^']|'')*'"
_LITERALS = re.compile(_LITERAL)
_CAST = re.compile(r'::(?:"[^"]*"|[\w ]+)(?:\(\d+\))?(?:\[\])?')
_ENUM = re.compile(rf"enum\(({_LITERAL}(?:,{_LITERAL})*)\)", re.IGNORECASE).fullmatch
_NAME = r'(?:\w+|"[^"]+")'
_LISTED = re.compile(
    rf"CHECK (?:{_NAME} IS NULL OR )?{_NAME} ?= ANY ARRAY\[#(?:, #)*\](?: OR {_NAME} IS NULL)?"
).fullmatch


def of_enum(written: str) -> Mapping[str, str]:
    """From MariaDB's `enum('a','b')`."""
    match = _ENUM(written)
    return _codes(match[1]) if match else {}


def of_checks(definitions: Iterable[str]) -> Mapping[str, str]:
    """From PostgreSQL's `CHECK ((state = ANY (ARRAY['a'::text, 'b'::text])))`, into which it turns `in`.

    A check of any other form says nothing of codes.
    """
    return _codes(next(filter(_lists_codes, definitions), ""))


def _lists_codes(definition: str) -> bool:
    shape = _CAST.sub("", _LITERALS.sub("#", definition))
    return _LISTED(shape.replace("(", "").replace(")", "")) is not None


def _codes(literals: str) -> Mapping[str, str]:
    return declared_codes((one[1:-1].replace("''", "'"), None) for one in _LITERALS.findall(literals))
