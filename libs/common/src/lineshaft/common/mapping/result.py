"""What mapping one record gives."""

from dataclasses import dataclass
from typing import Any, Self

import orjson
from xxhash import xxh3_128_hexdigest

from lineshaft.common.mapping.cleaning import has_escaped_nul
from lineshaft.common.mapping.errors import FieldError

VOLATILE = ("revision", "mapping_version", "observed_at")
"""Keys of a document that change without its content changing."""


@dataclass(slots=True)
class Mapped:
    """One record in unified form."""

    document: dict[str, Any]
    """Ready for JSON, with all envelope keys but `revision`, and each mapped field, null if it has no value.

    Decimals and times are strings. A unified field that the definition does not map has no key.
    """
    errors: list[FieldError]
    content_hash: str
    """Equal for equal content: `revision`, `mapping_version` and `observed_at` leave it as it is."""
    content: bytes
    """The canonical JSON of the document without those three."""

    def encode(self, revision: int) -> bytes:
        """The JSON of the whole document, without encoding its content again."""
        version, observed_at = self.document["mapping_version"], self.document["observed_at"]
        volatile = b'{"revision":%d,"mapping_version":%d,"observed_at":"%b",'
        return b"".join((volatile % (revision, version, observed_at.encode()), self.content[1:]))

    def as_deleted(self, at: str, kind: str | None) -> Self:
        """The same record, which its source no longer has."""
        document = self.document | {"deleted_at": at, "deletion_kind": kind}
        content = canonical({key: value for key, value in document.items() if key not in VOLATILE})
        return type(self)(document, self.errors, hash_of(content), content)


def canonical(content: dict[str, Any]) -> bytes:
    """JSON with sorted keys; `content` has none of the volatile keys."""
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS)


def encode(content: dict[str, Any]) -> bytes | None:
    """The canonical JSON of a document whose keys are in order; null where Postgres could not hold it."""
    try:
        encoded = orjson.dumps(content)
    except TypeError:
        return None
    return None if has_escaped_nul(encoded) else encoded


def hash_of(content: bytes) -> str:
    return xxh3_128_hexdigest(content)


def content_hash(document: dict[str, Any]) -> str:
    """The content hash of a stored document, e.g. after its `deleted_at` was set."""
    return hash_of(canonical({key: value for key, value in document.items() if key not in VOLATILE}))
