"""Whether what a manifest names is there: settings, credentials, options, and what a request may hold."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from lineshaft.common.integrations.explanations import explain
from lineshaft.common.integrations.manifest import Manifest, SourceObject
from lineshaft.common.integrations.oauth import OAUTH_STRATEGIES
from lineshaft.common.integrations.options import (
    LOGIN_OPTIONS,
    OF_CREDENTIALS,
    OPTIONS,
    VERIFY_REQUESTS,
    NoOptions,
)
from lineshaft.common.integrations.strategies import protocol_of

Found = Iterator[tuple[str, str]]

NEEDED_SETTINGS: Mapping[str, tuple[str, ...]] = {
    "jsonrpc": ("base_url",),
    "jsonrpc/odoo": ("base_url", "database"),
    "jsonrpc/tryton": ("base_url", "database"),
    "odata": ("base_url",),
    "rest": ("base_url",),
    "sql": ("host", "database"),
}
"""By protocol and dialect, else by protocol."""
TOLD_AT_LOGIN: Mapping[str, str] = {
    "jsonrpc": "user_id",
    "odata": "account",
    "rest": "account",
    "sql": "account",
}
FILTERS: Mapping[str, tuple[type, str]] = {
    "jsonrpc": (list, "a list of conditions"),
    "odata": (str, "a text, the condition of $filter"),
    "rest": (dict, "parameters and what each says"),
    "rest/maximo": (str, "a text, the condition of oslc.where"),
}
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def reference_faults(manifest: Manifest) -> Found:
    """Keys that lead nowhere, each with what there is."""
    protocol = protocol_of(manifest)
    yield from _fitting(manifest.options, OPTIONS.get(protocol, NoOptions), "options")
    yield from _fitting(manifest.verify.request, VERIFY_REQUESTS.get(protocol, NoOptions), "verify.request")
    yield from _settings(manifest, protocol)
    if protocol in VERIFY_REQUESTS:
        yield from _addresses(manifest)
    yield from _login(manifest)
    yield from _account(manifest)
    for name, described in manifest.objects.items():
        for key, message in _object(manifest, protocol, described):
            yield f"objects.{name}.{key}", message


def _fitting(given: Mapping[str, Any], model: type[BaseModel], place: str) -> Found:
    try:
        model.model_validate(given)
    except ValidationError as error:
        for key, message in explain(error, model, given):
            yield ".".join(filter(None, (place, key))), message


def _settings(manifest: Manifest, protocol: str) -> Found:
    known = [one.key for one in manifest.settings]
    needed = NEEDED_SETTINGS.get(protocol) or NEEDED_SETTINGS[manifest.protocol]
    for missing in (one for one in needed if one not in known):
        yield (
            "settings",
            f"there is no {missing}, which {protocol} needs; there are {', '.join(known) or 'none'}",
        )
    for option in ("headers", "parameters"):
        named = manifest.options.get(option)
        for name, key in (named if isinstance(named, dict) else {}).items():
            if key not in known:
                yield f"options.{option}.{name}", _none("setting", key, known)


def _addresses(manifest: Manifest) -> Found:
    """Settings that stand in paths in braces."""
    known = [one.key for one in manifest.settings]
    paths: dict[str, Any] = {
        f"objects.{name}.resource": one.resource for name, one in manifest.objects.items()
    }
    paths["verify.request.path"] = manifest.verify.request.get("path")
    paths["options.service"] = manifest.options.get("service")
    for place, path in paths.items():
        for key in _PLACEHOLDER.findall(path if isinstance(path, str) else ""):
            if key not in known:
                yield place, _none("setting", key, known)


def _login(manifest: Manifest) -> Found:
    strategy = manifest.auth.strategy
    if strategy in OAUTH_STRATEGIES:
        return
    model = LOGIN_OPTIONS.get(strategy, NoOptions)
    faults = list(_fitting(manifest.auth.options, model, "auth.options"))
    yield from faults
    if faults:
        return
    known = [one.key for one in manifest.credentials]
    options = model.model_validate(manifest.auth.options).model_dump()
    for name in (one for one in OF_CREDENTIALS if one in options):
        if options[name] not in known:
            key = f"auth.options.{name}" if name in manifest.auth.options else "auth.strategy"
            yield key, _none("credential", options[name], known)
    for placeholder in _PLACEHOLDER.findall(options.get("template", "")):
        if placeholder not in known:
            yield "auth.options.template", _none("credential", placeholder, known)


def _account(manifest: Manifest) -> Found:
    told = TOLD_AT_LOGIN[manifest.protocol]
    shown = [one.key for one in manifest.credentials if not one.secret]
    allowed = sorted({told, *shown, *(one.key for one in manifest.settings)})
    placeholders = manifest.verify.placeholders
    unknown = [name for name in placeholders if name not in allowed]
    if unknown or not placeholders:
        words = f"has {', '.join(unknown)}" if unknown else "names nothing"
        yield "verify.account", f"{words}; allowed are {', '.join(allowed)}"
    asked_for = protocol_of(manifest) in VERIFY_REQUESTS
    if asked_for and "account" in placeholders and manifest.verify.account_path is None:
        yield "verify.account", "needs account_path: where the answer says whose account it is"


def _object(manifest: Manifest, protocol: str, described: SourceObject) -> Found:
    if protocol in VERIFY_REQUESTS and not (described.resource or "/").startswith("/"):
        yield "resource", "has to begin with /: it is a path below the customer's address"
    for name, where in described.write.apart.items() if protocol == "rest" else ():
        if not where.startswith("/"):
            yield f"write.apart.{name}", "has to begin with /: it follows the record's address"
    yield from _filter(protocol, described.filter, FILTERS.get(protocol) or FILTERS.get(manifest.protocol))
    cursor = described.cursor
    if cursor is not None:
        if protocol == "rest" and cursor.parameter is None:
            yield (
                "cursor",
                "needs parameter: by which a request says since when; without one leave cursor out",
            )
        if cursor.template is not None and _PLACEHOLDER.findall(cursor.template) != ["since"]:
            yield "cursor.template", "holds {since} once, and no other braces"
    local = described.local_times or (cursor is not None and cursor.format == "local")
    zones = [one.key for one in manifest.settings if one.type == "timezone"]
    if local and "timezone" not in zones:
        place = "local_times" if described.local_times else "cursor.format"
        yield place, "needs a setting timezone, of type timezone: times that name no zone are in that"


def _filter(protocol: str, given: Any, kind: tuple[type, str] | None) -> Found:
    if given is None:
        return
    if kind is None:
        yield "filter", f"{protocol} takes none; leave it out"
    elif not isinstance(given, kind[0]):
        yield "filter", f"has to be {kind[1]}"
    elif protocol == "rest" and isinstance(given, dict):
        for name, value in given.items():
            values = value if isinstance(value, list) else [value]
            if any(isinstance(one, bool | dict | list) or one is None for one in values):
                # true would be sent as True
                yield f"filter.{name}", "has to be a text, a number or a list of them: put it in quotes"


def _none(kind: str, key: Any, known: Collection[str]) -> str:
    return f"there is no {kind} {key!r}; there are {', '.join(known) or 'none'}"
