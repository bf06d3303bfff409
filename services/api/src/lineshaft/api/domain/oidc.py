"""Who somebody is here, by what their identity provider says of them."""

import base64
import hashlib
import secrets
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lineshaft.api.domain.sign_in import Role


@dataclass(frozen=True, slots=True)
class Attempt:
    """One way to the provider and back: kept in the browser that began it, sealed."""

    state: str
    nonce: str
    verifier: str
    target: str

    @property
    def challenge(self) -> str:
        """PKCE, method S256 (RFC 7636)."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def values(self) -> dict[str, str]:
        return asdict(self)


def new_attempt(target: str) -> Attempt:
    return Attempt(secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48), target)


@dataclass(frozen=True, slots=True)
class RoleRules:
    """Which values of a claim make an editor, which a viewer; a dot in its name leads into an object."""

    claim: str
    by_role: Mapping[Role, Collection[str]]

    def role_of(self, claims: Mapping[str, Any]) -> Role | None:
        held = self.held(claims)
        return next((role for role in (Role.EDITOR, Role.VIEWER) if held & set(self.by_role[role])), None)

    def held(self, claims: Mapping[str, Any]) -> set[str]:
        """The values of the claim; of an object its names."""
        value: Any = claims
        for part in [self.claim] if self.claim in claims else self.claim.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        if value is None:
            return set()
        return {str(one) for one in value} if isinstance(value, list | Mapping) else {str(value)}


def name_of(claims: Mapping[str, Any]) -> str:
    """As it stands beside what they change; the subject tells two of one name apart."""
    shown = next((str(claims[one]) for one in ("name", "preferred_username", "email") if claims.get(one)), "")
    subject = str(claims["sub"])
    return f"{shown} ({subject})" if shown and shown != subject else subject
