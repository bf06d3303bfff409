"""The network ladder: how far a call to the source gets, and what to ask whom for where it stops."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from lineshaft.api.adapters.keys import Caller
from lineshaft.api.adapters.postgres import SQL
from lineshaft.api.domain.problems import not_found
from lineshaft.api.routes.answers import Json, problems
from lineshaft.api.routes.authentication import CanManage, CanRead, ConnectionPath
from lineshaft.api.routes.catalog import require_object
from lineshaft.api.routes.context import Api, Context
from lineshaft.api.routes.existence import require_connection
from lineshaft.api.routes.operations import DIAGNOSE
from lineshaft.api.routes.ordering import SLOW, order, send
from lineshaft.common.events.commands import DiagnosisRequested
from lineshaft.common.events.diagnoses import ConnectionDiagnosed
from lineshaft.common.ids import new_id

router = APIRouter(prefix="/v1/connections", tags=["health"])


class DiagnosisOrder(BaseModel):
    model_config = ConfigDict(extra="forbid")

    object: str | None = Field(
        default=None, max_length=200, description="Null: one that fails, else the first one."
    )


@router.post(
    "/{connection_id}/diagnose",
    responses={200: {"model": ConnectionDiagnosed}, **SLOW, **problems(404)},
    response_class=Json,
)
async def diagnose(
    api: Api, caller: CanManage, connection_id: ConnectionPath, body: DiagnosisOrder | None = None
) -> Response:
    """Climb the network ladder now: DNS, TCP, TLS, proxy, HTTP, log-in, one object.

    The operation of one that takes longer shows each rung as soon as it is done.
    """
    connection = await require_connection(api.pool, connection_id)
    wanted = body or DiagnosisOrder()
    if wanted.object is not None:
        require_object(api.catalog, connection.system, wanted.object, connection_id)
    return await order(api, _requested(connection_id, caller, wanted.object), DIAGNOSE, by=caller.key_id)


async def begin(api: Context, caller: Caller, connection_id: str) -> str:
    """The operation, for whoever looks on while the ladder is climbed."""
    await require_connection(api.pool, connection_id)
    command = _requested(connection_id, caller)
    await send(api, command, DIAGNOSE, by=caller.key_id)
    return command.command_id


def _requested(connection_id: str, caller: Caller, name: str | None = None) -> DiagnosisRequested:
    return DiagnosisRequested(
        command_id=new_id("op"), connection_id=connection_id, object=name, asked_by=caller.key_id
    )


@router.get(
    "/{connection_id}/diagnose",
    responses={200: {"model": ConnectionDiagnosed}, **problems(404)},
    response_class=Json,
)
async def last_diagnosis(api: Api, _: CanRead, connection_id: ConnectionPath) -> Json:
    """The last ladder, whoever asked for it: the monitor does when a source goes out of reach."""
    await require_connection(api.pool, connection_id)
    row = await api.pool.fetchrow(SQL["ladder"], connection_id)
    if row is None:
        raise not_found("ladder", connection_id=connection_id)
    return Json(row["document"])
