"""What sources say of their limits in headers, beside `Retry-After`."""

from datetime import UTC, datetime, timedelta

from lineshaft.common.whole_numbers import whole_number
from lineshaft.connector.adapters.http import LONGEST_WAIT, Answer

_LEFT = ("x-ratelimit-remaining", "x-rate-limit-remaining", "ratelimit-remaining")
_RESET = ("x-ratelimit-reset", "x-rate-limit-reset", "ratelimit-reset")
_EPOCH_SECONDS = 1_000_000_000
_EPOCH_MILLISECONDS = 1_000_000_000_000


def no_requests_before(answer: Answer, now: datetime, reset_header: str | None = None) -> datetime | None:
    """When the next request may be made, where an answer says that none are left."""
    left = next((answer.headers[name] for name in _LEFT if name in answer.headers), "").strip()
    if whole_number(left, most=0) is None:
        return None
    until = resets_at(answer, now, reset_header)
    return until if until is not None and until > now else None


def resets_at(answer: Answer, now: datetime, reset_header: str | None = None) -> datetime | None:
    """From the manifest's header, or from one that is in wide use."""
    names = (reset_header.lower(), *_RESET) if reset_header else _RESET
    found = (moment_of_reset(answer.headers[name], now) for name in names if name in answer.headers)
    return next(filter(None, found), None)


def moment_of_reset(text: str, now: datetime) -> datetime | None:
    """Seconds from now, or since 1970 in seconds or milliseconds, told apart by their size."""
    try:
        number = float(text)
    except ValueError:
        return None
    if not 0 <= number < _EPOCH_MILLISECONDS * 10:
        return None
    if number >= _EPOCH_MILLISECONDS:
        number /= 1000
    if number >= _EPOCH_SECONDS:
        moment = datetime.fromtimestamp(number, UTC)
    else:
        moment = now + timedelta(seconds=number)
    return min(max(moment, now), now + LONGEST_WAIT)
