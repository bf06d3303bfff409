"""What one try came to, and what follows for the delivery and its endpoint."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus

DIGITS = 10
LONGEST_SECONDS = 10**8
BUSY = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


@dataclass(frozen=True, slots=True)
class Answer:
    """A try, answered (`status`) or not (`error`)."""

    at: datetime
    duration_ms: float
    status: int | None = None
    error: str | None = None
    body: str = ""
    retry_after: timedelta | None = None

    @property
    def delivered(self) -> bool:
        return (
            self.status is not None
            and HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES
            and not self.error
        )

    @property
    def gone(self) -> bool:
        """The receiver wants no more of these, ever."""
        return self.status == HTTPStatus.GONE

    @property
    def busy(self) -> bool:
        return self.status in BUSY

    @property
    def problem(self) -> str | None:
        """Why it does not count as delivered."""
        if self.delivered:
            return None
        if self.error:
            return self.error
        if self.status is not None and HTTPStatus.MULTIPLE_CHOICES <= self.status < HTTPStatus.BAD_REQUEST:
            return f"the receiver answered {self.status}; redirects are not followed"
        return f"the receiver answered {self.status}"


def retry_after(value: str | None, now: datetime) -> timedelta | None:
    """The pause that a `Retry-After` header asks for, in either form (RFC 9110, 10.2.3)."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text[:DIGITS]), LONGEST_SECONDS))
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(at - now, timedelta(0))
