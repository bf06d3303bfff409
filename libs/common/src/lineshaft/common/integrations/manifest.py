"""`manifest.yaml`: what a source system is, how to connect, and what can be read and written.

A manifest is data. New behaviour is a named strategy in the connector, with its own test.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    field_validator,
    model_validator,
)

from lineshaft.common.integrations.conditions import When
from lineshaft.common.mapping.paths import parse_path
from lineshaft.common.outcomes import Outcome

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Line = Annotated[str, StringConstraints(min_length=1, max_length=300)]
BodyPath = Annotated[str, AfterValidator(lambda path: parse_path(path).text)]
"""A place in an answer, written as in mappings."""

CONSENT = "oauth2_authorization_code"
"""The strategy by which a customer logs in with the system itself."""

_PLACEHOLDER = re.compile(r"\{([a-z0-9_]+)\}")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


_DEFAULTS: Mapping[str, type] = {"integer": int, "boolean": bool}
_WORDS_OF_DEFAULTS: Mapping[type, str] = {
    int: "a number",
    bool: "true or false",
    str: "a text: put it in quotes",
}


class Setting(_Part):
    """One field of the connection form that is no secret."""

    key: Key
    title: Line
    type: Literal["url", "string", "integer", "boolean", "choice", "timezone"] = "string"
    help: str | None = None
    default: JsonValue = None
    optional: bool = False
    choices: list[str] = []
    """For `type: choice`."""
    pattern: str | None = None
    """A regular expression that the whole value has to match."""

    @model_validator(mode="after")
    def _choices_fit(self) -> "Setting":
        if (self.type == "choice") != bool(self.choices):
            raise ValueError("choices are given with type choice, and only with it")
        if self.choices and self.default is not None and self.default not in self.choices:
            raise ValueError(f"the default {self.default!r} is none of {', '.join(self.choices)}")
        kind = _DEFAULTS.get(self.type, str)
        if self.default is not None and type(self.default) is not kind:
            raise ValueError(f"the default of a {self.type} is {_WORDS_OF_DEFAULTS[kind]}")
        return self

    @field_validator("pattern")
    @classmethod
    def _can_be_read(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"is no regular expression: {error}") from error
        return pattern


class Credential(_Part):
    """One field of the connection form that is stored encrypted and never shown again."""

    key: Key
    title: Line
    secret: bool = True
    """Asked for again when the customer reconnects, and not shown while it is typed."""
    help: str | None = None
    optional: bool = False
    expiry: bool = False
    """It is the day on which the others end, as `2027-03-31`: not kept from view while it is typed."""
    lifetime_days: int | None = Field(default=None, ge=1)
    """The source ends it so long after it was made."""

    @model_validator(mode="after")
    def _asked_for_again(self) -> "Credential":
        if self.expiry and not self.secret:
            raise ValueError(
                "the day of expiry is asked for again at each reconnect: leave out secret: false"
            )
        return self


class Auth(_Part):
    strategy: Slug
    """The connector's name for the way to log in, e.g. `tryton_session`, `basic`, `bearer`."""
    options: dict[str, JsonValue] = {}
    """What the strategy needs to know."""


class Verify(_Part):
    """The cheapest request that proves the credentials, and who they belong to."""

    request: dict[str, JsonValue] = {}
    """In the protocol's own terms, e.g. `{method: ..., params: [...]}`."""
    account: str
    """Who it is, as a template of settings and of what the login gave: `{database}/{user_id}`."""
    account_path: BodyPath | None = None
    """Where `{account}` lies in the answer, if the template uses it."""
    expires_path: BodyPath | None = None
    """Where in the answer it says when the credentials end, as a time of ISO 8601."""

    @property
    def placeholders(self) -> tuple[str, ...]:
        return tuple(_PLACEHOLDER.findall(self.account))


class Limits(_Part):
    concurrency: int = Field(default=1, ge=1, le=32)
    """Requests of one connection at a time."""
    requests_per_minute: int | None = Field(default=None, ge=1)
    timeout_s: float = Field(default=60, gt=0, le=600)
    page_size: int = Field(default=200, ge=1, le=10_000)
    reset_header: str | None = None
    """A header of refusals for their number that says when they end, beside `Retry-After`: in seconds from
    now, or as a time in seconds or milliseconds since 1970."""


class ErrorRule(_Part):
    """One line of the classification table; the first that fits an answer decides its outcome."""

    when: When
    outcome: Outcome
    code: str | None = None
    """The name shown for it; the source's own code otherwise."""
    confidence: Literal["high", "medium", "low"] = "high"
    """How sure this is, where the source does not tell causes apart."""


class Cursor(_Part):
    """How changed records are found."""

    field: BodyPath
    fallback: str | None = None
    """Stands in where `field` is empty, as for records that were never changed."""
    overlap_s: int = Field(default=0, ge=0)
    """Read again this far back, for commits that became visible late."""
    format: Literal["iso8601", "local", "epoch_seconds", "epoch_milliseconds", "tagged"] = "iso8601"
    """`local` is a time without a zone, in that of the setting `timezone`; `tagged` is one in parts."""
    parameter: str | None = None
    """Under which name a request says since when, where the protocol leaves it open."""
    template: str | None = None
    """What it says there, with `{since}` in it, where it is not the time alone."""
    encoding: Literal["base64url"] | None = None
    """In which form it says this, where not as plain text."""


class Paging(_Part):
    """For protocols that leave it open."""

    type: Literal["none", "offset", "page", "cursor", "next_url", "header_link"]
    """`offset` counts records and `page` counts pages; `cursor` is what the answer says under `next_path`;
    `next_url` is a link that it says there, and `header_link` the one of the header `Link` that is called
    `next`. Links lead to the configured host alone."""
    parameter: str | None = None
    """Under which name a request says where the page begins."""
    first: int = Field(default=1, ge=0)
    """The number of the first page, for `type: page`."""
    size_parameter: str | None = None
    """Under which name a request says how many records it wants."""
    next_path: BodyPath | None = None
    """Where the answer says how to go on."""
    total_path: BodyPath | None = None
    """Where the answer says how many records there are in all, if it counts them exactly; for `offset` and
    `page`, which otherwise go on to a page that holds nothing new."""
    more_path: BodyPath | None = None
    """Where the answer says with true or false whether there are more, for `offset` and `page`."""

    @model_validator(mode="after")
    def _keys_fit(self) -> "Paging":
        for key, types in _KEYS_OF_PAGES.items():
            default = type(self).model_fields[key].default
            if self.type not in types and getattr(self, key) != default:
                raise ValueError(f"{key} is for type {' or '.join(types)}, not for {self.type}")
        needed = "next_path" if self.type == "next_url" else "parameter"
        if self.type not in ("none", "header_link") and getattr(self, needed) is None:
            raise ValueError(f"type {self.type} needs {needed}")
        return self


_KEYS_OF_PAGES = {
    "parameter": ("offset", "page", "cursor"),
    "first": ("page",),
    "next_path": ("cursor", "next_url"),
    "total_path": ("offset", "page"),
    "more_path": ("offset", "page"),
}


class Write(_Part):
    create: bool = False
    update: bool = False
    delete: bool = False
    read_only: list[str] = []
    """Source fields that cannot be written though they can be read."""
    reference: str | None = None
    """A field that holds our own reference where the customer gives none, so that a record whose creation
    got no answer can be found again."""
    found_by: list[BodyPath] = []
    """Paths into related records that find them, such as `currency.code`: the protocol looks them up."""
    unique: list[str] = []
    """Fields, each of which no two records share: they find such a record too."""
    names: dict[str, str] = {}
    """Fields that are written under another name than they are read, such as `asset.id: assetId`."""
    numbers: list[str] = []
    """Fields that take a JSON number, and no text that holds one."""
    apart: dict[str, str] = {}
    """Fields that an update writes by a request of their own, each with what follows the record's address,
    such as `status: /status`; a creation cannot set them."""


class Record(_Part):
    """One record that is asked for by its key, where this differs from a list."""

    path: BodyPath | None = None
    """Where the record lies in the answer."""
    query: dict[str, str | list[str]] = {}
    """What such a request asks besides."""
    each: bool = False
    """A list tells too little: each of its records is asked for."""


class SourceObject(_Part):
    """One kind of record at the source: a model, table, entity set or collection."""

    label: Line
    resource: str | None = None
    """Its address in the protocol, where that is not the name itself."""
    key: list[str] = Field(default=["id"], min_length=1)
    """The fields that identify a record; several make a composite source id."""
    key_type: Literal["string", "integer"] = "string"
    cursor: Cursor | None = None
    """Without one, each sync reads everything."""
    page_size: int | None = Field(default=None, ge=1, le=10_000)
    paging: Paging | None = None
    records_path: BodyPath | None = None
    """Where the records lie in an answer."""
    record: Record = Record()
    local_times: list[str] = []
    """Fields with times that name no zone: they are in that of the setting `timezone`."""
    filter: JsonValue = None
    """Restricts what is read, in the protocol's own terms."""
    fields: list[str] = []
    """Read besides what the mappings need, so that they are there to be mapped."""
    write: Write = Write()


class Manifest(_Part):
    manifest: Literal[1]
    id: Slug
    label: Line
    description: str | None = None
    protocol: Literal["jsonrpc", "rest", "odata", "sql"]
    dialect: Slug | None = None
    """A variant of the protocol that the connector knows."""
    verification: Literal["real", "vendor-spec", "doc-derived"]
    """Tested against the system itself, against the vendor's specification, or against texts only."""
    evidence: list[str] = Field(min_length=1)
    """Versions tested or documents used."""
    settings: list[Setting] = []
    credentials: list[Credential] = []
    """What the customer enters to log in; nothing where they log in with the system itself."""
    auth: Auth
    verify: Verify
    options: dict[str, JsonValue] = {}
    """What the protocol adapter needs to know about this system."""
    limits: Limits = Limits()
    errors: list[ErrorRule] = []
    """Come before the protocol's own table."""
    objects: dict[str, SourceObject] = Field(min_length=1)
    custom_field_prefixes: list[Line] = []
    """What names of fields begin with that were added to one installation, where the system wants that."""
    custom_objects: bool = False
    """Objects that are not listed here can be read too."""
    not_read: dict[str, Line] = {}
    """Unified entities that the system has and that its folder does not fill, each with the reason."""

    def listed(self, name: str) -> SourceObject:
        """The object as it is listed here, else with the defaults."""
        return self.objects.get(name) or SourceObject(label=name)

    @model_validator(mode="after")
    def _names_fit(self) -> "Manifest":
        keys = [one.key for one in self.settings] + [one.key for one in self.credentials]
        if doubled := sorted({key for key in keys if keys.count(key) > 1}):
            raise ValueError(f"settings and credentials share the keys {', '.join(doubled)}")
        if not self.credentials and self.auth.strategy != CONSENT:
            raise ValueError(f"credentials are needed by every strategy but {CONSENT}")
        return self

    @property
    def secrets(self) -> tuple[str, ...]:
        """The credentials that are asked for when a customer reconnects."""
        return tuple(credential.key for credential in self.credentials if credential.secret)
