"""Link sessions: one customer, one set of credentials, one code.

open -> verifying -> completed; a refusal opens it again, for a limited number of attempts. A customer who
looks at what is to be read before the connection is made is choosing in between.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from lineshaft.api.domain.problems import invalid

MAX_ATTEMPTS = 20
STUCK_AFTER = timedelta(minutes=2)
"""An attempt without an answer for this long may be followed by another one."""


class SessionState(StrEnum):
    OPEN = "open"
    VERIFYING = "verifying"
    CHOOSING = "choosing"
    COMPLETED = "completed"


class Refusal(StrEnum):
    """Why a customer's link leads nowhere."""

    EXPIRED = "expired"
    USED = "used"
    TOO_MANY_ATTEMPTS = "too_many_attempts"
    GONE = "gone"
    INVALID_LINK = "invalid_link"


@dataclass(frozen=True, slots=True)
class LinkSession:
    session_id: str
    connection_id: str
    system: str
    reauthorizes: bool
    settings: dict[str, Any]
    login: dict[str, str]
    label: str
    metadata: dict[str, Any]
    redirect_url: str | None
    state: SessionState
    attempts: int
    expires_at: datetime
    command_id: str | None = None
    submitted_at: datetime | None = None
    code_expires_at: datetime | None = None
    exchanged_at: datetime | None = None
    chooses: bool = False
    offered: list[str] | None = None
    """The systems that the customer chooses from, if that is left to them."""

    def of_system(self, system: str | None) -> "LinkSession":
        """As the customer has it who chose this system; one that is not offered is no choice."""
        if self.offered is None or system is None or self.state is not SessionState.OPEN:
            return self
        return replace(self, system=system if system in self.offered else "")

    def refusal(self, now: datetime) -> Refusal | None:
        """Why the form is not shown; None where it is."""
        if self.state is SessionState.COMPLETED:
            return Refusal.USED
        if now > self.expires_at:
            return Refusal.EXPIRED
        if self.attempts >= MAX_ATTEMPTS and self.state is SessionState.OPEN:
            return Refusal.TOO_MANY_ATTEMPTS
        return None

    def pending(self, now: datetime) -> bool:
        """Whether an attempt is under way that a second one has to wait for."""
        return (
            self.state is SessionState.VERIFYING
            and self.submitted_at is not None
            and now - self.submitted_at < STUCK_AFTER
        )


def check_redirect_url(url: str) -> str:
    """The address the customer is sent back to.

    Raises:
        ProblemError: not an absolute http or https address, or one with a fragment or a password.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise invalid("redirect_url", "is not an address") from None
    if parts.scheme not in {"http", "https"} or not host:
        raise invalid("redirect_url", "has to begin with https:// or http:// and a host")
    if parts.fragment or parts.username is not None:
        raise invalid("redirect_url", "may have no fragment and no user name")
    if not url.isascii() or any(ord(character) <= ord(" ") or character in '";,\\' for character in url):
        raise invalid("redirect_url", "has characters that an address cannot have; percent-encode them")
    return url


def with_code(redirect_url: str, code: str) -> str:
    parts = urlsplit(redirect_url)
    query = f"{parts.query}&" if parts.query else ""
    return urlunsplit(parts._replace(query=query + urlencode({"code": code})))


def origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
