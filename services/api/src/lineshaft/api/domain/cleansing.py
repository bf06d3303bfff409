"""What leaves the house in a support bundle: without secrets, and without a customer's own data.

The connector has hidden every secret that it knows before anything was stored. Here nobody knows the secrets:
what looks like one goes, and so does what a source quotes, unless it is the name of an object or a field.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from lineshaft.common.logs import HIDDEN, redact

LEFT_OUT = "(left out: what a source says of a write may quote the record)"
MOST_CHARACTERS = 2000
WORDS = ("message", "seen", "last_error", "reason", "comment", "summary", "action", "ask")
"""Keys under which somebody outside may have put words."""

_LOOKS_SECRET = re.compile(
    r"""(?ix)
    (?P<name>\b(?:[\w-]*(?:passw(?:or)?d|pwd|secret|token|api[_-]?key|authorization|cookie|session))
        ["']?\s*(?:[:=]|\bis\b)\s*)
    (?:(?:bearer|basic|session)\s+)?\S+
    """
)
_SCHEME = re.compile(r"(?i)\b(bearer|basic|session)\s+[A-Za-z0-9+/=._~-]{8,}")
_USER_IN_ADDRESS = re.compile(r"(?<=://)\S*@(?=[^\s@/]+)")
_PRIVATE_KEY = re.compile(r"-----BEGIN [^-]*PRIVATE KEY-----.*?(?:-----END [^-]*-----|$)", re.DOTALL)
_KEY_VALUE = re.compile(r"=\s*\([^)]*\)")
_QUOTES = (
    re.compile(r'"'),
    re.compile(r"(?<!\w)'|'(?!\w)"),
    re.compile(r"`"),
    re.compile("[\u201c\u201d\u201e\u00ab\u00bb]"),
)


def without_user(address: str) -> str:
    """An address without user, query and fragment."""
    try:
        parts = urlsplit(address)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return HIDDEN
    if "@" in parts.path + parts.query + parts.fragment:
        # a user whose name or password is not encoded: nobody can tell where the host begins
        return HIDDEN
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return urlunsplit((parts.scheme, host + port, parts.path, "", ""))


def cleaned_settings(settings: Mapping[str, Any]) -> Any:
    return redact(
        {
            name: without_user(value) if isinstance(value, str) and "://" in value else value
            for name, value in settings.items()
        }
    )


def cleaned(value: Any, names: Collection[str]) -> Any:
    """A copy that may be sent; `names` are the objects and fields of the connection."""
    return _cleaned(redact(value), names)


def _cleaned(value: Any, names: Collection[str]) -> Any:
    match value:
        case dict():
            hidden = value.get("operation") == "write" and value.get("message")
            return {
                key: LEFT_OUT
                if hidden and key == "message"
                else cleaned_words(item, names)
                if key in WORDS and isinstance(item, str)
                else _cleaned(item, names)
                for key, item in value.items()
            }
        case list() | tuple():
            return [_cleaned(item, names) for item in value]
        case str():
            return _without_secrets(value)[:MOST_CHARACTERS]
        case _:
            return value


def cleaned_words(text: str, names: Collection[str]) -> str:
    """Somebody else's words: what is quoted stays only where it is one of the names."""
    text = _KEY_VALUE.sub(f"=({HIDDEN})", _without_secrets(text[:MOST_CHARACTERS]))
    for quote in _QUOTES:
        marks = list(quote.finditer(text))
        quoted = [text[one.end() : two.start()] for one, two in zip(marks[::2], marks[1::2], strict=False)]
        if len(marks) > 1 and not (len(marks) % 2 == 0 and all(one in names for one in quoted)):
            # from the first to the last mark, for what is quoted may hold marks of its own
            text = text[: marks[0].end()] + HIDDEN + text[marks[-1].start() :]
    return text


def _without_secrets(text: str) -> str:
    text = _PRIVATE_KEY.sub(HIDDEN, text)
    text = _USER_IN_ADDRESS.sub(f"{HIDDEN}@", text)
    text = _LOOKS_SECRET.sub(rf"\g<name>{HIDDEN}", text)
    return _SCHEME.sub(rf"\1 {HIDDEN}", text)
