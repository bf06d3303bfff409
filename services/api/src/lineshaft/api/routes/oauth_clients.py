"""`/v1/systems/{system}/oauth-client`: as whom customers log in with a system that asks for their consent."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from lineshaft.api.adapters.oauth_clients import find_client, register, withdraw
from lineshaft.api.domain.problems import ProblemCode, not_found, problem
from lineshaft.api.routes.answers import problems
from lineshaft.api.routes.authentication import CanManage, CanRead
from lineshaft.api.routes.context import Api, Context
from lineshaft.common.integrations import UnknownSystemError
from lineshaft.common.integrations.manifest import Manifest
from lineshaft.common.integrations.oauth import operators_client

router = APIRouter(prefix="/v1/systems/{system}/oauth-client", tags=["systems"])

SystemPath = Annotated[str, Path(max_length=100)]


class NewOAuthClient(BaseModel):
    """What the system gave out when Lineshaft was registered there."""

    model_config = ConfigDict(extra="forbid")

    client_id: str = Field(min_length=1, max_length=500)
    client_secret: str | None = Field(
        default=None,
        min_length=1,
        max_length=2000,
        description="Stored sealed, never shown. None for a client that has none.",
        json_schema_extra={"writeOnly": True},
    )


class OAuthClientModel(BaseModel):
    system: str
    redirect_uri: str = Field(description="Where the system sends customers back to: register it there.")
    client_id: str | None = Field(description="None where nothing is registered: nobody can connect.")
    has_secret: bool
    changed_at: datetime | None
    changed_by: str | None


@router.get("", responses=problems(404))
async def get(api: Api, _: CanRead, system: SystemPath) -> OAuthClientModel:
    _manifest(api, system)
    return await _shown(api, system)


@router.put("", responses=problems(404))
async def put(api: Api, caller: CanManage, system: SystemPath, body: NewOAuthClient) -> OAuthClientModel:
    """In place of what was registered before; connections use it from their next token on."""
    _manifest(api, system)
    async with api.pool.acquire() as tx, tx.transaction():
        await register(
            tx,
            system,
            body.client_id,
            body.client_secret,
            keys=api.keys,
            by=caller.key_id,
            at=api.clock(),
        )
    return await _shown(api, system)


@router.delete("", status_code=204, responses=problems(404))
async def delete(api: Api, caller: CanManage, system: SystemPath) -> Response:
    """Nobody can connect any more, and connections get no new tokens."""
    _manifest(api, system)
    async with api.pool.acquire() as tx, tx.transaction():
        await withdraw(tx, system, by=caller.key_id, at=api.clock())
    return Response(status_code=204)


def _manifest(api: Context, system: str) -> Manifest:
    try:
        manifest = api.catalog.system(system).manifest
    except UnknownSystemError:
        raise not_found("system") from None
    if not operators_client(manifest):
        raise problem(
            ProblemCode.NOT_SUPPORTED,
            f"{manifest.label} is not connected by an OAuth client of the operator.",
        )
    return manifest


async def _shown(api: Context, system: str) -> OAuthClientModel:
    client = await find_client(api.pool, system)
    return OAuthClientModel(
        system=system,
        redirect_uri=api.callback_url,
        client_id=client.client_id if client else None,
        has_secret=client.has_secret if client else False,
        changed_at=client.created_at if client else None,
        changed_by=client.created_by if client else None,
    )
