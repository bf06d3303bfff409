"""The connection form of a system: what it asks for, and whether what was typed fits."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from lineshaft.common.integrations.manifest import Credential, Manifest, Setting

MAX_LENGTH = 4_000
_TRUE = {"true", "on", "1", "yes"}


@dataclass(frozen=True, slots=True)
class Submitted:
    """What was typed, sorted: settings, credentials, and what is wrong by field."""

    settings: dict[str, Any]
    credentials: dict[str, str]
    errors: dict[str, str]


@dataclass(frozen=True, slots=True)
class Form:
    """`settings` are known already; `login` is the part of the credentials that is no secret."""

    manifest: Manifest
    reauthorizes: bool
    settings: Mapping[str, Any]
    login: Mapping[str, str]

    @property
    def asked_settings(self) -> list[Setting]:
        return [] if self.reauthorizes else list(self.manifest.settings)

    @property
    def asked_credentials(self) -> list[Credential]:
        """All of them the first time; afterwards the secrets, and what is not known of the rest."""
        return [
            one
            for one in self.manifest.credentials
            if not self.reauthorizes or one.secret or one.key not in self.login
        ]

    def submit(self, typed: Mapping[str, Any]) -> Submitted:
        """Check what was typed; a field that is left out keeps what is known."""
        errors: dict[str, str] = {}
        settings = dict(self.settings)
        for setting in self.asked_settings:
            value = typed.get(setting.key, self.settings.get(setting.key, setting.default))
            _take(setting.key, settings, errors, lambda s=setting, v=value: parse_setting(s, v))
        credentials = dict(self.login) if self.reauthorizes else {}
        for credential in self.asked_credentials:
            value = typed.get(credential.key)
            _take(credential.key, credentials, errors, lambda c=credential, v=value: _parse_credential(c, v))
        return Submitted(settings, credentials, errors)

    def login_of(self, credentials: Mapping[str, str]) -> dict[str, str]:
        """What is kept to be shown, and not asked for, when the customer reconnects."""
        open_keys = [one.key for one in self.manifest.credentials if not one.secret]
        return {key: credentials[key] for key in open_keys if key in credentials}


def given_settings(manifest: Manifest, given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The settings that a vendor fills in for the customer, and what is wrong with them."""
    known = {setting.key: setting for setting in manifest.settings}
    settings: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for key, value in given.items():
        if key not in known:
            errors[key] = f"there is no such setting; there are {', '.join(known) or 'none'}"
        else:
            _take(key, settings, errors, lambda s=known[key], v=value: parse_setting(s, v))
    return settings, errors


def _take(key: str, values: dict[str, Any], errors: dict[str, str], parse: Any) -> None:
    try:
        value = parse()
    except ValueError as error:
        errors[key] = str(error)
        return
    if value is None:
        values.pop(key, None)
    else:
        values[key] = value


def parse_setting(setting: Setting, value: Any) -> Any:
    """The value of its type; None where an optional one is empty.

    Raises:
        ValueError: with words for the person who typed it.
    """
    if setting.type == "boolean":
        return value if isinstance(value, bool) else str(value or "").strip().lower() in _TRUE
    if not isinstance(value, str | int | None) or isinstance(value, bool):
        raise ValueError("Please enter plain text.")  # noqa: TRY004  it is the value that is wrong
    text = "" if value is None else str(value).strip()
    if not text:
        if setting.optional:
            return None
        raise ValueError("Please fill this in.")
    if len(text) > MAX_LENGTH or not text.isprintable():
        raise ValueError("This is too long, or has characters that cannot be used.")
    if setting.pattern is not None and not re.fullmatch(setting.pattern, text):
        raise ValueError(setting.help or "This does not look right.")
    return _typed(setting, text)


def _typed(setting: Setting, text: str) -> Any:
    match setting.type:
        case "url":
            return _url(text)
        case "integer":
            try:
                return int(text)
            except ValueError:
                raise ValueError("Please enter a whole number.") from None
        case "choice":
            if text not in setting.choices:
                raise ValueError(f"Please choose one of {', '.join(setting.choices)}.")
        case "timezone":
            try:
                ZoneInfo(text)
            except (ValueError, KeyError, OSError):
                raise ValueError("Please enter the name of a time zone, such as Europe/Berlin.") from None
        case "string" | "boolean":
            pass
    return text


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if host is None or parts.scheme not in {"http", "https"} or parts.username is not None:
        raise ValueError("Please enter an address that begins with https:// (or http://).")
    return text.rstrip("/")


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text.strip()).isoformat()
    except ValueError:
        raise ValueError("Please enter a day such as 2027-03-31.") from None


def _parse_credential(credential: Credential, value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise ValueError("Please enter plain text.")
    if not value:
        if credential.optional:
            return None
        raise ValueError("Please fill this in.")
    if len(value) > MAX_LENGTH:
        raise ValueError("This is too long.")
    if credential.expiry:
        return _day(value)
    return value if credential.secret else value.strip()
