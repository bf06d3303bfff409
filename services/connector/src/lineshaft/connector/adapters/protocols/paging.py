"""What goes wrong with pages, whatever the protocol: they come again, they go round, or a link leads away."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

import msgspec

from lineshaft.common.outcomes import Operation, Outcome
from lineshaft.connector.adapters.http import Answer
from lineshaft.connector.domain.evidence import Evidence, SourceFailureError, shortened

_DIGEST_BYTES = 8
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


class UnfitPageError(ValueError):
    """A page that cannot be gone on from; `code` is the name of what is wrong."""

    code = "unusable_answer"


class PageRepeatedError(UnfitPageError):
    """The source leads back to a page that was read before."""

    code = "page_repeated"

    def __init__(self, words: str | None = None) -> None:
        super().__init__(words or self.__doc__)


class PagesShiftError(UnfitPageError):
    """Records move from page to page: none of a page's last ones is found where the next one begins."""

    code = "pages_shift"

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class ForeignLinkError(UnfitPageError):
    """The link to the next page leads to something else than the next page."""

    def __init__(self, where: str | None = None) -> None:
        super().__init__(f"{self.__doc__} {where}" if where else self.__doc__)


@dataclass(frozen=True, slots=True)
class Trail:
    """Whether a read goes round.

    A cycle of any length, of places as of pages, is found by Brent's method, which keeps one of each in mind:
    so it fits into a cursor, and holds when a read goes on in another process.
    """

    place: str | None = None
    page: str | None = None
    steps: int = 0
    power: int = 1

    def past(self, page: str | None, place: Any) -> "Trail":
        """After a page, on the way to a place; an empty page is no page that could come again.

        Raises:
            PageRepeatedError: one of them was met before.
        """
        ahead = digest(msgspec.json.encode(place))
        if ahead == self.place or (page is not None and page == self.page):
            raise PageRepeatedError
        if self.place is None or self.steps + 1 == self.power:
            return Trail(ahead, page, 0, self.power * 2)
        return replace(self, steps=self.steps + 1)


Record = bytes | msgspec.Raw | Mapping[str, msgspec.Raw]


def fingerprint(records: Sequence[Record], key: Sequence[str]) -> str | None:
    """What tells a page from every other one; None of an empty page.

    Of the records only the first and the last are looked at, and of them the key counts alone: what a source
    makes up for each answer, as a signed address, must not make a page look new.
    """
    if not records:
        return None
    return f"{len(records)}-{identity(records[0], key)}-{identity(records[-1], key)}"


def identity(record: Record, key: Sequence[str]) -> str:
    """A digest of a record's key; of the whole record, where it has none.

    Raises:
        msgspec.DecodeError: it is no object.
    """
    found = record if isinstance(record, Mapping) else _OBJECT.decode(record)
    own = [found[part] for part in key if part in found]
    return digest(b"\0".join(map(bytes, own if len(own) == len(key) else found.values())))


def digest(content: bytes) -> str:
    return blake2b(content, digest_size=_DIGEST_BYTES).hexdigest()


OVERLAP = 5
"""Records of the page before that the next one has to begin with, where pages go by number of records."""


def tail_of(records: Sequence[Record], key: Sequence[str], most: int = OVERLAP) -> tuple[str, ...]:
    """The last records of a page."""
    return tuple(identity(record, key) for record in records[-most:]) if most > 0 else ()


def behind(records: Sequence[bytes], tail: Sequence[str], key: Sequence[str]) -> Sequence[bytes] | None:
    """The records of a page without the tail of the one before; None where the two do not join.

    One record of the tail is enough: all that came behind it then is on this page or on a later one.
    """
    if not tail:
        return records
    if tuple(identity(record, key) for record in records[: len(tail)]) == tuple(tail):
        return records[len(tail) :]
    known = set(tail)
    fresh = [record for record in records if identity(record, key) not in known]
    return fresh if len(fresh) < len(records) else None


def moved_up(again: Sequence[bytes], tail: Sequence[str], key: Sequence[str]) -> Sequence[bytes] | None:
    """What came to a page since it was read; None where none of its last records is left."""
    if again and identity(again[-1], key) == tail[-1]:
        return ()
    return behind(again, tail, key)


def goes_on(fresh: Sequence[bytes], *, more: bool | None) -> bool:
    """Whether there is another page.

    Without a word of the source there is one behind any that holds something new: one with fewer records than
    were asked for may have been cut by the source.

    Raises:
        UnfitPageError: there is said to be more, and nothing came.
    """
    if more and not fresh:
        raise UnfitPageError("the page holds nothing new, and the source says that there are more records")
    return bool(fresh) if more is None else more


def unfit(answer: Answer, object_name: str, error: Exception) -> SourceFailureError:
    """A page that cannot be used: nothing of it counts, and the read is not complete."""
    return SourceFailureError(
        Evidence(
            Outcome.SOURCE_ERROR,
            Operation.READ,
            object_name,
            http_status=answer.status,
            code=error.code if isinstance(error, UnfitPageError) else UnfitPageError.code,
            message="nested too deeply" if isinstance(error, RecursionError) else shortened(str(error)),
            confidence="medium",
            duration_ms=answer.duration_ms,
        )
    )
