"""One connection's source and the secret to open it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from lineshaft.common.integrations import System

_PLACEHOLDER = re.compile(r"\{([a-z0-9_]+)\}")
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Target:
    system: System
    settings: Mapping[str, Any]
    credentials: Mapping[str, str] = field(repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        return tuple(self.credentials.values())

    def account(self, **told: Any) -> str:
        """Whose credentials these are, by the manifest's template; `told` is what the login gave."""
        hidden = self.system.manifest.secrets
        shown = {name: value for name, value in self.credentials.items() if name not in hidden}
        return self.system.manifest.verify.account.format_map({**self.settings, **shown, **told})


def filled(template: str, settings: Mapping[str, Any]) -> str:
    """A path with the settings that stand in it in braces; each stays one part of it.

    Raises:
        KeyError: a setting is not there.
    """
    return _PLACEHOLDER.sub(lambda found: quote(str(settings[found[1]]), safe=""), template)


def host_and_port(url: str) -> str:
    """For evidence: never a path or a user."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return ""
    return f"{parts.hostname}:{port}" if parts.hostname and port else ""
