"""Secrets at rest: AES-256-GCM under a named key, bound to the row they belong to.

Stored form: one byte with the length of the key id, the key id, 12 bytes of nonce, the sealed bytes.
"""

import base64
import binascii
import os
import re
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lineshaft.common.errors import ConfigurationError, LineshaftError, RetryableError

NONCE_BYTES = 12
KEY_BYTES = 32
_KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class UnreadableSecretError(LineshaftError):
    """A stored secret cannot be opened: its key is unknown, or it was moved or changed."""


class UnknownKeyError(UnreadableSecretError, RetryableError):
    """Sealed with a key that this process does not have: another one has been restarted with it already."""


class KeyRing:
    """The first key seals; every key opens what it sealed."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        if not keys:
            raise ConfigurationError("LINESHAFT_SECRET_KEYS: at least one key is needed")
        for key_id, key in keys.items():
            if not _KEY_ID.fullmatch(key_id):
                raise ConfigurationError(
                    f"LINESHAFT_SECRET_KEYS: {key_id!r} is no key id; letters, digits and . _ - make one"
                )
            if len(key) != KEY_BYTES:
                raise ConfigurationError(f"LINESHAFT_SECRET_KEYS: key {key_id!r} must have {KEY_BYTES} bytes")
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self.active = next(iter(keys))

    @classmethod
    def parse(cls, text: str) -> "KeyRing":
        """From `id:base64,id:base64`.

        Raises:
            ConfigurationError: not that form, or a key of the wrong length.
        """
        keys = {}
        for part in filter(None, (part.strip() for part in text.split(","))):
            key_id, separator, encoded = part.partition(":")
            if key_id in keys:
                raise ConfigurationError(f"LINESHAFT_SECRET_KEYS: there are two keys {key_id!r}")
            try:
                keys[key_id] = base64.b64decode(encoded, validate=True)
            except binascii.Error:
                raise ConfigurationError(f"LINESHAFT_SECRET_KEYS: key {key_id!r} is not base64") from None
            if not separator:
                raise ConfigurationError("LINESHAFT_SECRET_KEYS: each key is written `id:base64`")
        return cls(keys)

    @property
    def ids(self) -> frozenset[str]:
        return frozenset(self._ciphers)

    def seal(self, secret: bytes, *, bound_to: str) -> bytes:
        """`bound_to` names the row; the secret opens only with the same name."""
        key_id = self.active.encode()
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._ciphers[self.active].encrypt(nonce, secret, _associated(key_id, bound_to))
        return bytes([len(key_id)]) + key_id + nonce + sealed

    def open(self, stored: bytes, *, bound_to: str) -> bytes:
        """The secret.

        Raises:
            UnknownKeyError: not sealed with a key of ours.
            UnreadableSecretError: not what was sealed for this row.
        """
        key_id = key_id_of(stored)
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise UnknownKeyError(f"sealed with key {key_id!r}, which LINESHAFT_SECRET_KEYS does not have")
        start = 1 + len(key_id.encode())
        nonce, sealed = stored[start : start + NONCE_BYTES], stored[start + NONCE_BYTES :]
        try:
            return cipher.decrypt(nonce, sealed, _associated(key_id.encode(), bound_to))
        except InvalidTag:
            raise UnreadableSecretError(f"the secret of {bound_to} does not belong there") from None


def new_key(key_id: str) -> str:
    """A fresh key as LINESHAFT_SECRET_KEYS takes it."""
    written = f"{key_id}:{base64.b64encode(os.urandom(KEY_BYTES)).decode()}"
    KeyRing.parse(written)
    return written


def key_id_of(stored: bytes) -> str:
    """The id that a stored secret begins with; what has no such form gives one that no key has."""
    return stored[1 : 1 + stored[0]].decode(errors="replace") if stored else ""


def _associated(key_id: bytes, bound_to: str) -> bytes:
    return key_id + b"|" + bound_to.encode()
