"""`/v1/link-sessions`: a page where a customer logs in, and the code that becomes a token."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from lineshaft.api.adapters.keys import Caller, create_token
from lineshaft.api.adapters.link_sessions import NewSession, exchange, open_session
from lineshaft.api.adapters.networks import set_network
from lineshaft.api.adapters.oauth_clients import find_client
from lineshaft.api.domain.connections import Connection
from lineshaft.api.domain.forms import given_settings
from lineshaft.api.domain.keys import Scope
from lineshaft.api.domain.link_sessions import check_redirect_url
from lineshaft.api.domain.problems import (
    FieldProblem,
    ProblemCode,
    invalid,
    problem,
)
from lineshaft.api.routes.answers import problems
from lineshaft.api.routes.authentication import CanConnect
from lineshaft.api.routes.connections import Token
from lineshaft.api.routes.context import Api, Context
from lineshaft.api.routes.existence import require_connection
from lineshaft.api.routes.networks import NetworkSettings, require_fitting
from lineshaft.common.ids import new_id
from lineshaft.common.integrations import UnknownSystemError
from lineshaft.common.integrations.oauth import operators_client

MAX_SETTINGS = 50
MAX_SYSTEMS = 200

router = APIRouter(prefix="/v1/link-sessions", tags=["connect"])


class NewLinkSession(BaseModel):
    """A new connection, of `system` or of one that the customer chooses; or new credentials."""

    model_config = ConfigDict(extra="forbid")

    system: str | None = Field(default=None, max_length=100, examples=["tryton"])
    systems: list[Annotated[str, Field(max_length=100)]] = Field(
        default=[],
        max_length=MAX_SYSTEMS,
        description="Without `system`: those the customer chooses from. Empty: all.",
    )
    connection_id: str | None = Field(default=None, max_length=100, description="Reauthorize this one.")
    settings: dict[str, Any] = Field(
        default={}, max_length=MAX_SETTINGS, description="What is known already, so that it is filled in."
    )
    redirect_url: str | None = Field(
        default=None,
        max_length=2000,
        description="Where the customer goes afterwards, with `?code=`.",
        json_schema_extra={"format": "uri"},
    )
    metadata: dict[str, Any] = Field(default={}, description="Your own; comes back in status and webhooks.")
    label: str = Field(default="", max_length=200, description="What you call this connection.")
    network: NetworkSettings | None = Field(
        default=None, description="Of a new connection: its way to the source. Needs the scope `manage`."
    )


class LinkSessionModel(BaseModel):
    id: str
    url: str = Field(description="Send it to the customer, who connects with it once; shown here only now.")
    expires_at: datetime
    connection_id: str


class Code(BaseModel):
    model_config = ConfigDict(extra="forbid")

    code: Annotated[str, Field(min_length=1, max_length=200)]


@router.post("", status_code=201, responses=problems(404, 409))
async def create(api: Api, caller: CanConnect, body: NewLinkSession) -> LinkSessionModel:
    redirect_url = check_redirect_url(body.redirect_url) if body.redirect_url else None
    if body.connection_id is not None:
        connection = await require_connection(api.pool, body.connection_id)
        new = _reauthorization(api, connection, body, redirect_url, caller)
    else:
        new = _connection(api, body, redirect_url, caller)
    await _require_client(api, new.system)
    _check_network(api, new, body, caller)
    if body.network is not None:
        async with api.pool.acquire() as tx, tx.transaction():
            await set_network(
                tx,
                new.connection_id,
                body.network.network,
                keys=api.keys,
                by=caller.key_id,
                at=api.clock(),
            )
    session_id, capability = await open_session(api.pool, new, at=api.clock())
    return LinkSessionModel(
        id=session_id,
        url=api.page_url(capability),
        expires_at=new.expires_at,
        connection_id=new.connection_id,
    )


@router.post("/exchange", responses=problems())
async def exchange_code(api: Api, caller: CanConnect, body: Code) -> Token:
    """Works once, within ten minutes. The tokens before it end."""
    async with api.pool.acquire() as tx, tx.transaction():
        now = api.clock()
        connection_id = await exchange(tx, body.code, at=now)
        if connection_id is None:
            raise invalid("code", "it was used, has expired, or never was one; ask /token for a new token")
        token = await create_token(
            tx, connection_id, old_end_at=now + api.settings.token_grace, by=caller.key_id, at=now
        )
    return Token(connection_id=connection_id, token=token)


def _check_network(api: Context, new: NewSession, body: NewLinkSession, caller: Caller) -> None:
    if body.network is None:
        return
    if new.reauthorizes:
        path = f"PUT /v1/connections/{new.connection_id}/network"
        raise invalid(
            "network", f"is of a new connection; {path} changes it", connection_id=new.connection_id
        )
    if Scope.MANAGE not in caller.scopes:
        raise problem(ProblemCode.FORBIDDEN, f"network needs a key with the scope {Scope.MANAGE}")
    require_fitting(api, body.network, new.system)


async def _require_client(api: Context, system_id: str) -> None:
    """Raises a problem where customers would be sent to a system that does not know us."""
    system = api.catalog.systems.get(system_id)
    if system is None or not operators_client(system.manifest):
        return
    if await find_client(api.pool, system_id) is None:
        raise problem(
            ProblemCode.CONFLICT,
            f"no OAuth client is registered for {system.manifest.label}:"
            f" PUT /v1/systems/{system_id}/oauth-client",
        )


def _connection(api: Context, body: NewLinkSession, redirect_url: str | None, caller: Caller) -> NewSession:
    if body.system is None:
        system_id, settings, offered = "", {}, _offered(api, body)
    else:
        system_id, settings, offered = body.system, _settings(api, body, body.system), None
    return NewSession(
        connection_id=new_id("con"),
        system=system_id,
        reauthorizes=False,
        settings=settings,
        login={},
        label=body.label,
        metadata=body.metadata,
        redirect_url=redirect_url,
        created_by=caller.key_id,
        expires_at=api.clock() + api.settings.link_session_lifetime,
        offered=offered,
    )


def _settings(api: Context, body: NewLinkSession, system_id: str) -> dict[str, Any]:
    if body.systems:
        raise invalid("systems", "is for links without system, where the customer chooses")
    try:
        system = api.catalog.system(system_id)
    except UnknownSystemError as error:
        raise invalid("system", str(error)) from None
    settings, errors = given_settings(system.manifest, body.settings)
    if errors:
        raise problem(
            ProblemCode.VALIDATION_FAILED,
            "; ".join(f"settings.{key}: {message}" for key, message in errors.items()),
            errors=[FieldProblem(f"settings.{key}", message) for key, message in errors.items()],
        )
    return settings


def _offered(api: Context, body: NewLinkSession) -> list[str]:
    if body.settings:
        raise invalid("settings", "are those of one system: name it in system, too")
    for number, system_id in enumerate(body.systems):
        if system_id not in api.catalog.systems:
            raise invalid(f"systems.{number}", f"there is no system {system_id!r} here")
    return list(dict.fromkeys(body.systems)) or list(api.catalog.systems)


def _reauthorization(
    api: Context,
    connection: Connection,
    body: NewLinkSession,
    redirect_url: str | None,
    caller: Caller,
) -> NewSession:
    if body.system not in {None, connection.system}:
        raise invalid(
            "system", f"the connection is one of {connection.system}", connection_id=connection.connection_id
        )
    if body.settings or body.metadata or body.label or body.systems:
        raise invalid(
            "settings",
            "a reauthorization changes the credentials alone",
            connection_id=connection.connection_id,
        )
    return reauthorization_of(api, connection, redirect_url=redirect_url, by=caller.key_id)


def reauthorization_of(
    api: Context, connection: Connection, *, by: str, redirect_url: str | None = None
) -> NewSession:
    return NewSession(
        connection_id=connection.connection_id,
        system=connection.system,
        reauthorizes=True,
        settings=connection.settings,
        login=connection.login,
        label=connection.label,
        metadata=connection.metadata,
        redirect_url=redirect_url or connection.redirect_url,
        created_by=by,
        expires_at=api.clock() + api.settings.link_session_lifetime,
    )
