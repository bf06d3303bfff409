"""API keys: a prefix that says what they are, 256 random bits, and a checksum that costs no look-up.

The checksum is the CRC32 of the text before it, as six base62 digits (GitHub's token format of 2021).
"""

import hashlib
import secrets
import zlib
from enum import StrEnum

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
BODY_DIGITS = 43
CHECKSUM_DIGITS = 6


class KeyKind(StrEnum):
    ADMIN = "admin"
    CONNECTION = "connection"


class Scope(StrEnum):
    """What an admin key may be used for; a connection token has no need of any."""

    READ = "read"
    """Look at everything but secrets."""
    CONNECT = "connect"
    """Send customers to their connect page, and get the tokens of their connections."""
    MANAGE = "manage"
    """Change connections, mappings, webhooks, keys; write records."""


ALL_SCOPES = frozenset(Scope)

PREFIXES = {KeyKind.ADMIN: "lsa_", KeyKind.CONNECTION: "lsc_"}


def new_key(kind: KeyKind) -> str:
    text = PREFIXES[kind] + "".join(secrets.choice(ALPHABET) for _ in range(BODY_DIGITS))
    return text + checksum(text)


def kind_of(key: str) -> KeyKind | None:
    """What a well-formed key is; None for anything else."""
    text, given = key[:-CHECKSUM_DIGITS], key[-CHECKSUM_DIGITS:]
    for kind, prefix in PREFIXES.items():
        if key.startswith(prefix):
            well_formed = len(text) == len(prefix) + BODY_DIGITS and given == checksum(text)
            return kind if well_formed else None
    return None


def checksum(text: str) -> str:
    value = zlib.crc32(text.encode(errors="replace"))
    digits = ""
    for _ in range(CHECKSUM_DIGITS):
        value, digit = divmod(value, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits


def key_hash(secret: str) -> bytes:
    """What is stored in place of a key or code: 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode()).digest()


def new_code() -> str:
    """A code that the vendor exchanges for a connection token."""
    return "lcc_" + secrets.token_urlsafe(32)


def new_capability() -> str:
    """The unguessable part of a connect page's address."""
    return secrets.token_urlsafe(32)
