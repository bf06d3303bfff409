"""How an OData service is addressed."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from lineshaft.common.integrations import Manifest
from lineshaft.common.integrations.manifest import SourceObject
from lineshaft.common.integrations.options import ODataOptions
from lineshaft.connector.adapters.http import Answer
from lineshaft.connector.adapters.protocols.odata_literals import literal
from lineshaft.connector.adapters.protocols.odata_metadata import Metadata
from lineshaft.connector.adapters.protocols.odata_window import Place
from lineshaft.connector.adapters.protocols.paging import ForeignLinkError
from lineshaft.connector.adapters.protocols.target import filled
from lineshaft.connector.adapters.protocols.window import Window

_SAFE = "$,'():/*"
_COOKIE = re.compile(r"(?:^|,\s*)([^=;,\s]+)=([^;,]*)")


class Addresses:
    """Every address begins with the configured one: no link of the source leads anywhere else."""

    def __init__(self, manifest: Manifest, settings: Mapping[str, Any]) -> None:
        self._manifest = manifest
        self._settings = settings
        self.base = str(settings["base_url"]).rstrip("/")
        self.options = ODataOptions.of(manifest)
        self.version = self.options.version

    def filled(self, template: str) -> str:
        """With the settings that stand in it in braces."""
        return filled(template, self._settings)

    def path(self, object_name: str) -> str:
        listed = self._manifest.objects.get(object_name)
        if listed is not None and listed.resource:
            return self.filled(listed.resource)
        return f"{self.filled(self.options.service or '')}/{quote(object_name, safe='')}"

    def entity_set(self, object_name: str) -> str:
        return self.path(object_name).rsplit("/", 1)[-1]

    def service(self, object_name: str) -> str:
        service = self.options.service
        return self.path(object_name).rsplit("/", 1)[0] if service is None else self.filled(service)

    def whole(self, path: str) -> str:
        own = self._own_parameters(path)
        joint = "&" if "?" in path else "?"
        return f"{self.base}{path}{joint}{own}" if own else f"{self.base}{path}"

    def page(
        self,
        object_name: str,
        metadata: Metadata,
        window: Window,
        *,
        fields: Sequence[str],
        size: int,
    ) -> str:
        """The page that a window of our own begins."""
        listed = self._manifest.listed(object_name)
        types = {
            name: metadata.field_type(self.entity_set(object_name), name) for name in self._asked(listed)
        }
        conditions = [str(listed.filter)] if isinstance(listed.filter, str) else []
        if listed.cursor is not None and window.since is not None:
            since: datetime = window.since
            written = literal(since, types[listed.cursor.field], self.version)
            conditions.append(f"{listed.cursor.field} ge {written}")
        after = Place.of(window).after
        if after is not None:
            key = dict(zip(listed.key, after, strict=True))
            conditions.append(_behind(key, types, self.version))
        parameters = {"$select": ",".join(_heads(fields)), "$orderby": ",".join(listed.key)}
        if expanded := sorted({name.rsplit(".", 1)[0].replace(".", "/") for name in fields if "." in name}):
            parameters["$expand"] = ",".join(expanded)
        if conditions:
            parameters["$filter"] = _all_of(conditions)
        if self.options.top:
            parameters["$top"] = str(size)
        return self._with(object_name, parameters)

    def search(
        self, object_name: str, metadata: Metadata, match: Mapping[str, Any], fields: Sequence[str]
    ) -> str:
        """Raises `ValueError` where a value does not fit its field."""
        entity_set = self.entity_set(object_name)
        conditions = [
            f"{name} eq {literal(value, metadata.field_type(entity_set, name), self.version)}"
            for name, value in match.items()
        ]
        parameters = {"$filter": " and ".join(conditions), "$select": ",".join(_heads(fields)), "$top": "2"}
        return self._with(object_name, parameters)

    def record(self, object_name: str, metadata: Metadata, key: Mapping[str, Any]) -> str:
        """Raises `ValueError` where a value does not fit its field."""
        entity_set = self.entity_set(object_name)
        written = {
            name: literal(value, metadata.field_type(entity_set, name), self.version)
            for name, value in key.items()
        }
        named = ",".join(f"{name}={value}" for name, value in written.items())
        inside = next(iter(written.values())) if len(written) == 1 else named
        return self.whole(f"{self.path(object_name)}({quote(inside, safe=_SAFE.replace('/', ''))})")

    def rebased(self, object_name: str, link: str, asked: str) -> str:
        """Path and query of a link below the configured address.

        A server behind a proxy gives its own name and path, so only what begins with the entity set is taken.

        Raises:
            ForeignLinkError: it leads to another place.
        """
        parts = urlsplit(urljoin(asked, link))
        path = self.path(object_name)
        at = parts.path.rfind(path)
        if at < 0 or parts.path[at + len(path) :].strip("/"):
            raise ForeignLinkError(parts.path[:200])
        return f"{path}?{parts.query}" if parts.query else path

    def _asked(self, listed: SourceObject) -> list[str]:
        return [*listed.key, *([listed.cursor.field] if listed.cursor else [])]

    def _with(self, object_name: str, parameters: Mapping[str, str]) -> str:
        query = "&".join(f"{name}={quote(value, safe=_SAFE)}" for name, value in parameters.items() if value)
        return self.whole(f"{self.path(object_name)}?{query}")

    def _own_parameters(self, path: str) -> str:
        given = {name: self._settings.get(key) for name, key in self.options.parameters.items()}
        return "&".join(
            f"{name}={quote(str(value), safe='')}"
            for name, value in given.items()
            if value and f"{name}=" not in path
        )


def _behind(key: Mapping[str, Any], types: Mapping[str, str], version: int) -> str:
    """The condition of the keys that come later: `a gt 1 or a eq 1 and b gt 2`."""
    written = {name: literal(value, types[name], version) for name, value in key.items()}
    names = list(written)
    alternatives = []
    for number, name in enumerate(names):
        same = [f"{one} eq {written[one]}" for one in names[:number]]
        alternatives.append(" and ".join([*same, f"{name} gt {written[name]}"]))
    return " or ".join(f"({one})" for one in alternatives) if len(alternatives) > 1 else alternatives[0]


def _all_of(conditions: Sequence[str]) -> str:
    """A single one stays without brackets: there are servers that pass over a filter within them."""
    return conditions[0] if len(conditions) == 1 else " and ".join(f"({one})" for one in conditions)


def _heads(fields: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(name.replace(".", "/") for name in fields))


def cookies_of(answer: Answer) -> str:
    """What a session of the source goes by: names and values alone, back to the same host."""
    return "; ".join(
        f"{name}={value}" for name, value in _COOKIE.findall(answer.headers.get("set-cookie", ""))
    )
