"""Who may sign in to the console, and what they may do there."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from lineshaft.api.domain.keys import ALL_SCOPES, Scope


class Role(StrEnum):
    VIEWER = "viewer"
    """Sees everything, changes nothing."""
    EDITOR = "editor"


SCOPES = {Role.VIEWER: frozenset({Scope.READ}), Role.EDITOR: ALL_SCOPES}


def role_of(scopes: frozenset[Scope]) -> Role | None:
    """What somebody with an admin key is here; an editor may do all that there is."""
    return next((role for role in (Role.EDITOR, Role.VIEWER) if SCOPES[role] <= scopes), None)


@dataclass(frozen=True, slots=True)
class Passwords:
    """The console's passwords by role; `key` keeps a stored mark from telling what the password is."""

    by_role: Mapping[Role, str]
    key: str

    def role_of(self, typed: str) -> Role | None:
        found = None
        for role, password in self.by_role.items():
            if secrets.compare_digest(typed.encode(), password.encode()):
                found = role
        return found

    def mark(self, role: Role) -> str:
        """What a session keeps of the password it began with: it ends when the password is changed."""
        told = f"console/{role}/{self.by_role[role]}"
        return hmac.new(self.key.encode(), told.encode(), hashlib.sha256).hexdigest()

    @property
    def marks(self) -> list[str]:
        return [self.mark(role) for role in self.by_role]


def new_session_token() -> str:
    return secrets.token_urlsafe(32)


def csrf_token(session_token: str) -> str:
    """Only a page that this session was shown has it; it tells nothing of the session."""
    return hashlib.sha256(f"csrf/{session_token}".encode()).hexdigest()


def is_csrf_token(session_token: str, given: str) -> bool:
    return secrets.compare_digest(csrf_token(session_token).encode(), given.encode(errors="replace"))


def safe_target(target: str, home: str) -> str:
    """Where to go after signing in: a page of the console, never another host."""
    inside = target == home or target.startswith((f"{home}/", f"{home}?"))
    return target if inside and "\\" not in target and "//" not in target else home
