"""How Maximo is asked: object structures, `oslc.*` parameters, and who asks."""

import base64
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from lineshaft.common.integrations.manifest import SourceObject
from lineshaft.connector.adapters.protocols.paging import ForeignLinkError
from lineshaft.connector.adapters.protocols.window import Window

FEW = 20
API_KEY = "api_key"
_OWN = frozenset({"lean", "oslc.select", "oslc.where", "oslc.orderby", "oslc.pagesize"})
"""What a link to the next page cannot change."""


class UnfitValueError(ValueError):
    """A value that no condition can hold."""


def proof(login: str, credentials: Mapping[str, str]) -> dict[str, str]:
    """Maximo's API key, its own form of user and password, or what its LDAP login takes."""
    if login == API_KEY:
        return {"apikey": credentials.get("key", "")}
    user, password = credentials.get("username", ""), credentials.get("password", "")
    encoded = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"authorization": f"Basic {encoded}"} if login == "ldap" else {"maxauth": encoded}


def page_query(listed: SourceObject, fields: Sequence[str], window: Window, size: int) -> str:
    conditions = [listed.filter] if isinstance(listed.filter, str) else []
    if listed.cursor is not None and window.since is not None:
        conditions.append(since(listed.cursor.field, window.since))
    parameters = _query(listed, fields, conditions, size)
    for name, value in parse_qsl(str(window.position or "")):
        parameters[name] = value
    return encoded(parameters)


def search_query(listed: SourceObject, fields: Sequence[str], match: Mapping[str, Any]) -> str:
    """Raises `UnfitValueError`."""
    conditions = [equal(name, value) for name, value in match.items()]
    return encoded(_query(listed, fields, conditions, FEW))


def _query(
    listed: SourceObject, fields: Sequence[str], conditions: Sequence[str], size: int
) -> dict[str, str]:
    parameters = {
        "lean": "1",
        "oslc.select": selection([*listed.key, *fields]),
        # there is no order by default, and pages of no order overlap
        "oslc.orderBy": ",".join(f"+{name}" for name in listed.key),
        "oslc.pageSize": str(size),
    }
    if conditions:
        parameters["oslc.where"] = " and ".join(conditions)
    return parameters


def encoded(parameters: Mapping[str, str]) -> str:
    return "?" + urlencode(parameters, quote_via=quote)


def selection(fields: Sequence[str]) -> str:
    """`poline.itemnum` is asked for as `poline{itemnum}`."""
    own: dict[str, None] = {}
    children: dict[str, list[str]] = {}
    for name in dict.fromkeys(fields):
        head, _, rest = name.partition(".")
        if rest:
            children.setdefault(head, []).append(rest)
        else:
            own[head] = None
    plain = [name for name in own if name not in children]
    return ",".join([*plain, *(f"{name}{{{selection(inner)}}}" for name, inner in children.items())])


def since(field: str, moment: datetime) -> str:
    return f'{field}>="{moment.astimezone(UTC).isoformat(timespec="seconds")}"'


def equal(field: str, value: Any) -> str:
    """Raises `UnfitValueError` for a quote, which would end the value."""
    if isinstance(value, bool):
        return f"{field}={str(value).lower()}"
    if isinstance(value, int | float):
        return f"{field}={value}"
    if '"' in str(value):
        raise UnfitValueError(f"{field} holds a quote")
    return f'{field}="{value}"'


def position_of(link: str, path: str) -> str:
    """What a link to the next page says of the place: its own parameters and nothing else.

    A server behind a proxy gives its own name, so the link is read and never followed.

    Raises:
        ForeignLinkError: it leads to another object structure, or says no place.
    """
    parts = urlsplit(link)
    if not unquote(parts.path).lower().rstrip("/").endswith(path.lower()):
        raise ForeignLinkError(parts.path[:200])
    own = [(name, value) for name, value in parse_qsl(parts.query) if name.lower() not in _OWN]
    if not own:
        raise ForeignLinkError
    return urlencode(own)


def rest_id(href: str) -> str:
    """The last part of a record's address, which Maximo alone can make."""
    found = urlsplit(href).path.rstrip("/").rsplit("/", 1)[-1]
    if not found:
        raise UnfitValueError("the record has no address")
    return quote(unquote(found), safe="")
