"""How a REST interface is asked: with which credentials, in which place, for which page."""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from urllib.parse import SplitResult, urlencode, urljoin, urlsplit

from lineshaft.common import exact_json
from lineshaft.common.errors import ConfigurationError
from lineshaft.common.integrations import Manifest
from lineshaft.common.integrations.manifest import Cursor as CursorSpec
from lineshaft.common.integrations.manifest import Paging, SourceObject, Write
from lineshaft.common.integrations.options import (
    ApiKeyOptions,
    BasicOptions,
    BearerOptions,
    HeaderOptions,
)
from lineshaft.common.mapping.plain import to_json
from lineshaft.connector.adapters.protocols.paging import ForeignLinkError
from lineshaft.connector.adapters.protocols.rest_times import local, local_from, tagged
from lineshaft.connector.adapters.protocols.window import Window

NO_PAGES = Paging(type="none")
NUMBERS = ("offset", "page")
LINKS = ("next_url", "header_link")
_PORTS_OF_THE_WEB = (None, 80, 443)


def authorization(manifest: Manifest, credentials: Mapping[str, str]) -> dict[str, str]:
    """The headers that prove who asks.

    `auth.options` names the credentials and the header.

    Raises:
        ConfigurationError: there is no such strategy.
    """
    strategy = STRATEGIES.get(manifest.auth.strategy)
    if strategy is None:
        raise ConfigurationError(
            f"{manifest.id}: no way to log in is called {manifest.auth.strategy};"
            f" there is {', '.join(STRATEGIES)}"
        )
    return strategy(manifest.auth.options, credentials)


def _bearer(given: Mapping[str, Any], credentials: Mapping[str, str]) -> dict[str, str]:
    options = BearerOptions.model_validate(given)
    return {"authorization": f"Bearer {credentials[options.token]}"}


def _basic(given: Mapping[str, Any], credentials: Mapping[str, str]) -> dict[str, str]:
    options = BasicOptions.model_validate(given)
    user, password = credentials[options.username], credentials[options.password]
    return {"authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def _api_key(given: Mapping[str, Any], credentials: Mapping[str, str]) -> dict[str, str]:
    options = ApiKeyOptions.model_validate(given)
    return {options.header: credentials[options.key]}


def _header(given: Mapping[str, Any], credentials: Mapping[str, str]) -> dict[str, str]:
    options = HeaderOptions.model_validate(given)
    return {options.header: options.template.format_map(credentials)}


def own_headers(manifest: Manifest, settings: Mapping[str, Any]) -> dict[str, str]:
    """`options.headers` names the setting whose value each header carries; an empty one sends none."""
    named = manifest.options.get("headers")
    if not isinstance(named, dict):
        return {}
    return {header: str(value) for header, key in named.items() if (value := settings.get(str(key)))}


_Strategy = Callable[[Mapping[str, Any], Mapping[str, str]], dict[str, str]]
STRATEGIES: Mapping[str, _Strategy] = {
    "bearer": _bearer,
    "basic": _basic,
    "api_key": _api_key,
    "header": _header,
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One object of an interface whose address is `base`."""

    base: str
    name: str
    path: str
    listed: SourceObject
    named: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The fields that are asked for, under the name of their parameter."""

    @property
    def paging(self) -> Paging:
        return self.listed.paging or NO_PAGES

    def address(self, window: Window, size: int, zone: tzinfo = UTC) -> str:
        """Path and query of a page, below the address of the interface."""
        if self.paging.type in LINKS and window.position is not None:
            return str(window.position)
        return self.path + query(self.listed, self.paging, window, size, zone, named=self.named)

    def below(self, link: Any) -> str | None:
        """Path and query of a link, to whose host alone credentials go; None where there is none.

        Raises:
            ForeignLinkError: it leads away from the address of the interface.
        """
        if not isinstance(link, str) or not link:
            return None
        own = urlsplit(self.base)
        try:
            parts = urlsplit(urljoin(self.base + self.path, link))
            away = _host(own) != _host(parts) or not parts.path.startswith(f"{own.path}/")
        except ValueError:
            away = True
        if away:
            raise ForeignLinkError(link.partition("?")[0][:200])
        below = parts.path.removeprefix(own.path)
        return f"{below}?{parts.query}" if parts.query else below


def _host(parts: SplitResult) -> tuple[str | None, int | None]:
    """The scheme does not count: behind a proxy a server calls itself by the one that it sees."""
    return parts.hostname, None if parts.port in _PORTS_OF_THE_WEB else parts.port


def first_of(paging: Paging, window: Window) -> int:
    """The number of the page, or of the records before it."""
    first = paging.first if paging.type == "page" else 0
    return first if window.position is None else int(window.position)


def query(
    listed: SourceObject,
    paging: Paging,
    window: Window,
    size: int,
    zone: tzinfo = UTC,
    *,
    named: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> str:
    """What follows the path; a number is always sent, as sources begin with different ones."""
    parameters: dict[str, Any] = dict(named)
    if isinstance(listed.filter, dict):
        parameters |= listed.filter
    if paging.size_parameter is not None:
        parameters[paging.size_parameter] = str(size)
    if paging.parameter is not None:
        if paging.type in NUMBERS:
            parameters[paging.parameter] = str(first_of(paging, window))
        elif window.position is not None:
            parameters[paging.parameter] = str(window.position)
    if listed.cursor is not None and listed.cursor.parameter is not None and window.since is not None:
        parameters[listed.cursor.parameter] = _said(window.since, listed.cursor, zone)
    return encoded(parameters)


def encoded(parameters: Mapping[str, Any]) -> str:
    """A list stands for a parameter that is given several times."""
    return f"?{urlencode(parameters, doseq=True)}" if parameters else ""


def as_written(
    write: Write, values: Mapping[str, Any], local_times: Sequence[str] = (), zone: tzinfo = UTC
) -> dict[str, Any]:
    """Values under the names, and numbers and times in the form, that the source writes them."""
    written: dict[str, Any] = {}
    for name, value in values.items():
        if name in write.numbers:
            value = _number(value)  # noqa: PLW2901  the same value in another form
        elif name in local_times and isinstance(value, str):
            value = local(datetime.fromisoformat(value), zone)  # noqa: PLW2901
        written[write.names.get(name, name)] = value
    return written


def _number(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    number = Decimal(value)
    return int(number) if number == number.to_integral_value() else exact_json.number(value)


def read_moment(value: Any, cursor: CursorSpec) -> datetime | None:
    """A record's time of change; None where it has none that can be read."""
    try:
        match cursor.format:
            case "epoch_seconds":
                return datetime.fromtimestamp(float(value), UTC)
            case "epoch_milliseconds":
                return datetime.fromtimestamp(float(value) / 1000, UTC)
            case "tagged":
                moment = datetime.fromisoformat(str(to_json(value)))
            case _:
                moment = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, TypeError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _said(moment: datetime, cursor: CursorSpec, zone: tzinfo) -> str:
    written = _written(moment, cursor, zone)
    said = written if cursor.template is None else cursor.template.replace("{since}", written)
    return base64.urlsafe_b64encode(said.encode()).decode() if cursor.encoding == "base64url" else said


def _written(moment: datetime, cursor: CursorSpec, zone: tzinfo) -> str:
    match cursor.format:
        case "local":
            return local_from(moment, zone)
        case "epoch_seconds":
            return str(int(moment.timestamp()))
        case "epoch_milliseconds":
            return str(int(moment.timestamp() * 1000))
        case "tagged":
            return json.dumps(tagged(moment))
        case _:
            return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
