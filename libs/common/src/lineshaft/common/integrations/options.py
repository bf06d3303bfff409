"""What a manifest may say under `options`, `auth.options` and `verify.request`.

That depends on the protocol, with its dialect, and on the way to log in.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from lineshaft.common.integrations.manifest import BodyPath, Manifest


def _below(path: str) -> str:
    if not path.startswith("/"):
        raise ValueError("has to begin with /: it is a path below the customer's address")
    return path


PathBelow = Annotated[str, AfterValidator(_below)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class NoOptions(_Part):
    """There is nothing to say."""


class RefusalPlaces(_Part):
    """Where a refusal says what; of several places the first that holds something counts."""

    code_path: BodyPath | list[BodyPath] = []
    message_path: BodyPath | list[BodyPath] = []
    field_path: BodyPath | list[BodyPath] = []
    """Where it names the field that it is about."""
    wait_path: BodyPath | list[BodyPath] = []
    """Where it says for how many milliseconds to wait."""
    marker: BodyPath | None = None
    """Holds something in refusals alone, where they come with the status of success."""


class DeclaredFields(_Part):
    """A request whose answer lists the fields of an object."""

    path: PathBelow
    """With `{object}` for the object's name."""
    fields_path: BodyPath | None = None
    name: str = "name"
    type: str = "type"
    readable: str = "readable"
    """How the answer calls what it says of each field."""


class HttpOptions(_Part):
    errors: RefusalPlaces = RefusalPlaces()

    @classmethod
    def of(cls, manifest: Manifest) -> Self:
        return cls.model_validate(manifest.options)


class RestOptions(HttpOptions):
    headers: dict[str, str] = {}
    """Headers of each request, each with the setting whose value it carries."""
    declared: DeclaredFields | None = Field(default=None, alias="schema")
    """Without one, the fields of an object are read off its records."""
    complete_records: bool = False
    """Each record has all fields of its object, so that one which is not there has gone."""
    update_method: Literal["PATCH", "PUT", "POST"] = "PATCH"
    fields_parameter: str | None = None
    """Under which name a request says each field that it wants, where a record has few by itself."""


class ODataOptions(_Part):
    version: Literal[2, 4] = 4
    service: PathBelow | None = None
    """The path of the service, with settings in braces; where it is not said, it is what comes before the
    entity set in `resource`."""
    top: bool = True
    """Whether to ask for so many records and to go on by key; else the service's own links are followed."""
    csrf: bool = False
    """Writes need a token that is fetched first."""
    parameters: dict[str, str] = {}
    """Parameters of each request, each with the setting whose value it carries."""

    @classmethod
    def of(cls, manifest: Manifest) -> Self:
        return cls.model_validate(manifest.options)


class TrytonOptions(_Part):
    rpc_paths: list[PathBelow] = Field(default=["/{database}/rpc/", "/{database}/"], min_length=1)
    """Where calls may go; the first that answers counts."""

    @classmethod
    def of(cls, manifest: Manifest) -> Self:
        return cls.model_validate(manifest.options)


OPTIONS: Mapping[str, type[BaseModel]] = MappingProxyType(
    {
        "jsonrpc/tryton": TrytonOptions,
        "odata": ODataOptions,
        "rest": RestOptions,
        "rest/fiix": HttpOptions,
        "rest/maximo": HttpOptions,
    }
)
"""By protocol, with its dialect where it has one; the others have none."""


class BearerOptions(_Part):
    token: str = "token"  # noqa: S105  the name of a field


class BasicOptions(_Part):
    username: str = "username"
    password: str = "password"  # noqa: S105  the name of a field


class ApiKeyOptions(_Part):
    key: str = "key"
    header: str = "x-api-key"


class HeaderOptions(_Part):
    header: str = "authorization"
    template: str
    """What it carries, with credentials in braces."""


LOGIN_OPTIONS: Mapping[str, type[BaseModel]] = MappingProxyType(
    {
        "bearer": BearerOptions,
        "basic": BasicOptions,
        "api_key": ApiKeyOptions,
        "header": HeaderOptions,
    }
)
"""By strategy; those of OAuth are in `oauth`, the others have none."""

OF_CREDENTIALS = ("token", "username", "password", "key")
"""Options of a login that name a credential."""


class RequestByPath(_Part):
    path: PathBelow


VERIFY_REQUESTS: Mapping[str, type[BaseModel]] = MappingProxyType(
    {"odata": RequestByPath, "rest": RequestByPath}
)
"""By protocol, with its dialect where it has one; the others know how."""
