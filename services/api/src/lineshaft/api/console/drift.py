"""The buttons of a drift: the same orders that the API takes."""

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from lineshaft.api.console.actions import acted
from lineshaft.api.console.connection import ConnectionPath
from lineshaft.api.console.entities import mapping_of
from lineshaft.api.console.pages import HOME
from lineshaft.api.console.visitors import Editor, Form
from lineshaft.api.domain.problems import invalid
from lineshaft.api.routes import drift
from lineshaft.api.routes.context import Api
from lineshaft.api.routes.existence import require_connection
from lineshaft.common.events.drift import DriftPolicy

router = APIRouter(prefix=HOME + "/connections/{connection_id}/mapping/{entity}/drift")

EntityPath = Annotated[str, Path(max_length=100)]

POLICIES = {
    DriftPolicy.OFFER: "tell, and read on as far as nothing is emptied",
    DriftPolicy.HOLD: "tell, and read nothing until it is accepted",
    DriftPolicy.IGNORE: "ignore it: what is gone becomes empty",
}


@router.post("/accept")
async def accept(api: Api, visitor: Editor, connection_id: ConnectionPath, entity: EntityPath) -> Response:
    connection = await require_connection(api.pool, connection_id)
    active = await mapping_of(api, connection, entity)
    accepted = drift.accept(api, visitor.caller, connection_id, active.object)
    words = "Accepted. All of the object is read again."
    return await acted(_at(connection_id, entity), words, accepted)


@router.post("/policy")
async def policy(
    api: Api, visitor: Editor, connection_id: ConnectionPath, entity: EntityPath, form: Form
) -> Response:
    connection = await require_connection(api.pool, connection_id)
    active = await mapping_of(api, connection, entity)
    try:
        body = drift.PolicyOrder(policy=DriftPolicy(str(form.get("policy", ""))))
    except ValueError:
        raise invalid("policy", f"is one of {', '.join(POLICIES)}") from None
    put = drift.put_policy(api, visitor.caller, connection_id, active.object, body)
    return await acted(_at(connection_id, entity), "The policy is in force.", put)


def _at(connection_id: str, entity: str) -> str:
    return f"{HOME}/connections/{connection_id}/mapping/{entity}"
