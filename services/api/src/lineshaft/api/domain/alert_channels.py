"""Alert channels: which addresses and events can be asked for, and what is shown of an address."""

from collections.abc import Sequence
from urllib.parse import parse_qsl, urlsplit

from lineshaft.api.domain.problems import invalid
from lineshaft.common.events.alerts import ALERT_EVENT_TYPES, CHANNEL_KINDS, LOCAL_OPTIONS


def check_address(url: str) -> str:
    """An address of apprise that leads over the network; whether its service takes it is seen by a test.

    Raises:
        ProblemError: it is none.
    """
    try:
        parts = urlsplit(url)
        options = {name.lower().lstrip("+-:") for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    except ValueError:
        raise invalid("url", "is not an address of apprise, such as slack://token/token/token") from None
    if parts.scheme not in CHANNEL_KINDS:
        kinds = ", ".join(f"{scheme}:// ({name})" for scheme, name in CHANNEL_KINDS.items())
        raise invalid("url", f"has to begin with one of {kinds}")
    if not url.removeprefix(f"{parts.scheme}://").strip("/"):
        raise invalid("url", f"says nothing after {parts.scheme}://")
    if local := sorted(options & LOCAL_OPTIONS):
        raise invalid("url", f"may not have the option {local[0]}, which reads files of the machine")
    return url


def shown_address(url: str) -> str:
    """Its kind alone: of many services every part of the address is a secret."""
    return f"{urlsplit(url).scheme}://****"


def check_event_types(field: str, event_types: Sequence[str]) -> list[str]:
    """Without doubles.

    Raises:
        ProblemError: there is no such event type.
    """
    unknown = [name for name in event_types if name not in ALERT_EVENT_TYPES]
    if unknown:
        raise invalid(field, f"there is no {unknown[0]!r}; there are {', '.join(ALERT_EVENT_TYPES)}")
    return list(dict.fromkeys(event_types))
