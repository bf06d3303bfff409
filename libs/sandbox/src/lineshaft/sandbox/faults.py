"""What can be wrong with the sandbox, each switched on and off by the admin."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Certificate = Literal["valid", "expired", "wrong_name", "self_signed"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class RateLimit(_Part):
    seconds: float = Field(default=30, gt=0)
    style: Literal["retry_after_seconds", "retry_after_date", "reset_epoch", "reset_seconds", "silent"] = (
        "retry_after_seconds"
    )
    """How the refusal says when it ends: `Retry-After` in one of its two forms, `X-RateLimit-Reset` in one of
    its two, or not at all."""


class ServerError(_Part):
    status: int = Field(default=503, ge=500, le=599)
    times: int | None = Field(default=None, ge=1)
    """After so many answers the fault is over by itself."""


class Drift(_Part):
    """How the schema of an object differs from what it was."""

    dropped: list[str] = []
    renamed: dict[str, str] = {}
    added: dict[str, str | int | float | bool | None] = {}
    retyped: list[str] = []
    """These fields come as texts in an object, `{"value": "12"}`."""


class Faults(_Part):
    credentials: Literal["accepted", "expired", "revoked", "locked"] = "accepted"
    expires_at: str | None = None
    """What `/v1/me` says of when the credentials end."""
    account: str | None = None
    """The credentials open this account and not the one they did."""
    forbidden_objects: list[str] = []
    unauthorized_objects: list[str] = []
    """These answer 401 to credentials that open everything else, as some systems do."""
    forbidden_fields: dict[str, list[str]] = {}
    """Left out of the records; the schema says that they are there."""
    read_only: bool = False
    rate_limit: RateLimit | None = None
    server_error: ServerError | None = None
    html: bool = False
    """A log-on page with status 200 in place of JSON."""
    delay_seconds: float = Field(default=0, ge=0, le=600)
    cut: Literal["no", "body", "json"] = "no"
    """`body` ends the answer before its announced length, `json` in the middle of a record."""
    pages: Literal["stable", "repeated", "overlapping", "filter_ignored"] = "stable"
    """`repeated` gives the same page for ever, `overlapping` half of the page before again, `filter_ignored`
    all records whatever was asked for."""
    drift: dict[str, Drift] = {}
    certificate: Certificate = "valid"
    """What the TLS port shows. `valid` is of the sandbox's own authority, which nobody trusts by itself."""
    objects: list[str] | None = None
    """The faults of answers concern only these; all where it is null."""
