"""Known secrets taken out of words that others wrote: an answer may repeat what it was asked."""

import base64
import json
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

from lineshaft.common.logs import HIDDEN

SHORTEST_FORM = 6
"""Shorter ones would hide words by chance."""


def redacted(text: str, secrets: Iterable[str]) -> str:
    """The text with each secret hidden, as it is or encoded."""
    for secret in filter(None, secrets):
        for form in sorted(set(_forms(secret)), key=len, reverse=True):
            text = text.replace(form, HIDDEN)
    return text


def _forms(secret: str) -> Iterator[str]:
    yield secret
    yield from (form for form in _encoded(secret) if len(form) >= SHORTEST_FORM)


def _encoded(secret: str) -> Iterator[str]:
    """In JSON and JSON within it, in Python's notation, in a URL, and as base64 anywhere in a text."""
    for ascii_only in (True, False):
        once = json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
        yield once
        yield json.dumps(once, ensure_ascii=ascii_only)[1:-1]
    yield repr(secret)[1:-1]
    yield quote(secret, safe="")
    yield quote(secret)
    yield quote_plus(secret)
    plain = secret.encode(errors="replace")
    for offset in range(3):
        encoded = base64.b64encode(bytes(offset) + plain).decode()
        # the characters at both ends hold bits of the neighbours too
        whole = encoded[-(-offset * 8 // 6) : (offset + len(plain)) * 8 // 6]
        yield whole
        yield whole.replace("+", "-").replace("/", "_")
