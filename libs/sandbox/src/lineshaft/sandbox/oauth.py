"""Who may log in without a password: authorization codes with PKCE, and refresh tokens that rotate.

A refresh token works once. One that comes a second time was stolen, or its owner lost count: all tokens of
its family end (RFC 9700, 4.14.2).
"""

import base64
import hashlib
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field

CODE_SECONDS = 60.0


class RefusedError(Exception):
    """With `error` as in RFC 6749, 5.2."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.status = status


class Habits(BaseModel):
    """How the provider behaves; the admin changes it."""

    model_config = ConfigDict(extra="forbid")

    token_seconds: float = Field(default=3600, gt=0)
    refresh_seconds: float | None = Field(default=None, gt=0)
    """So long a refresh token can be used, which the answer then tells; null: without an end."""
    delay_seconds: float = Field(default=0, ge=0, le=60)
    rotates: bool = True
    scope: str | None = None
    """What each answer says was granted; null: nothing is said."""
    consents: bool = True
    """False refuses whoever asks for a code."""


@dataclass(frozen=True, slots=True)
class _Code:
    challenge: str
    redirect_uri: str
    ends_at: float


@dataclass(slots=True)
class _Family:
    """All tokens that come from one consent."""

    revoked: bool = False


@dataclass(slots=True)
class _Refresh:
    family: _Family
    ends_at: float | None = None
    used: bool = False

    @property
    def ended(self) -> bool:
        return self.family.revoked or (self.ends_at is not None and time.time() >= self.ends_at)


@dataclass
class Provider:
    client_id: str = "lineshaft"
    client_secret: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    habits: Habits = field(default_factory=Habits)
    codes: dict[str, _Code] = field(default_factory=dict)
    access: dict[str, tuple[float, _Family]] = field(default_factory=dict)
    refreshes: dict[str, _Refresh] = field(default_factory=dict)
    issued: int = 0
    refreshed_at: list[float] = field(default_factory=list)
    reused: int = 0

    def consent(self, asked: Mapping[str, str]) -> str:
        """The address to go back to, with a code or with the refusal.

        Raises:
            RefusedError: the request cannot be trusted with an answer.
        """
        if asked.get("client_id") != self.client_id:
            raise RefusedError("invalid_request", "there is no such client")
        back = asked.get("redirect_uri", "")
        if not back.startswith(("http://", "https://")):
            raise RefusedError("invalid_request", "redirect_uri is no address")
        found = {"state": asked.get("state", "")}
        if asked.get("decision") == "deny" or not self.habits.consents:
            found |= {"error": "access_denied", "error_description": "the user said no"}
        elif asked.get("response_type") != "code":
            found |= {"error": "unsupported_response_type"}
        elif asked.get("code_challenge_method") != "S256" or not asked.get("code_challenge"):
            found |= {"error": "invalid_request", "error_description": "a code challenge by S256 is needed"}
        else:
            code = secrets.token_urlsafe(24)
            self.codes[code] = _Code(asked["code_challenge"], back, time.time() + CODE_SECONDS)
            found |= {"code": code}
        return f"{back}?{urlencode(found)}"

    def token(self, asked: Mapping[str, str], client: tuple[str, str]) -> dict[str, str | float]:
        """Raises RefusedError."""
        if not secrets.compare_digest(
            ":".join(client).encode(), f"{self.client_id}:{self.client_secret}".encode()
        ):
            raise RefusedError("invalid_client", "client id or secret are wrong", 401)
        match asked.get("grant_type"):
            case "client_credentials":
                return self._issue(_Family(), renewable=False)
            case "authorization_code":
                return self._issue(self._exchanged(asked))
            case "refresh_token":
                return self._refreshed(asked.get("refresh_token", ""))
            case _:
                raise RefusedError("unsupported_grant_type", "there is no such grant")

    def admits(self, token: str) -> bool:
        ends_at, family = self.access.get(token, (0.0, _Family(revoked=True)))
        return time.time() < ends_at and not family.revoked

    def revoke(self) -> None:
        """All that was given out."""
        for refresh in self.refreshes.values():
            refresh.family.revoked = True
        for _, family in self.access.values():
            family.revoked = True

    def _exchanged(self, asked: Mapping[str, str]) -> _Family:
        code = self.codes.pop(asked.get("code", ""), None)
        if code is None or time.time() > code.ends_at:
            raise RefusedError("invalid_grant", "the code was used, has ended, or never was one")
        digest = hashlib.sha256(asked.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != code.challenge:
            raise RefusedError("invalid_grant", "the code verifier does not fit")
        if asked.get("redirect_uri") != code.redirect_uri:
            raise RefusedError("invalid_grant", "the code was for another redirect_uri")
        return _Family()

    def _refreshed(self, token: str) -> dict[str, str | float]:
        refresh = self.refreshes.get(token)
        if refresh is None or refresh.ended:
            raise RefusedError("invalid_grant", "the refresh token has ended, or never was one")
        if refresh.used:
            self.reused += 1
            refresh.family.revoked = True
            raise RefusedError("invalid_grant", "the refresh token was used before: all of its tokens end")
        self.refreshed_at.append(time.time())
        if not self.habits.rotates:
            return self._issue(refresh.family, renewable=False)
        refresh.used = True
        return self._issue(refresh.family)

    def _issue(self, family: _Family, *, renewable: bool = True) -> dict[str, str | float]:
        self.issued += 1
        access = secrets.token_urlsafe(24)
        self.access[access] = time.time() + self.habits.token_seconds, family
        given: dict[str, str | float] = {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": self.habits.token_seconds,
        }
        if self.habits.scope is not None:
            given["scope"] = self.habits.scope
        if renewable:
            refresh = secrets.token_urlsafe(24)
            life = self.habits.refresh_seconds
            self.refreshes[refresh] = _Refresh(family, None if life is None else time.time() + life)
            given["refresh_token"] = refresh
            if life is not None:
                given["refresh_expires_in"] = life
        return given
