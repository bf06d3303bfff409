"""`/reauthorize/{token}`: a signed reconnect link opens a session."""

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import RedirectResponse, Response

from lineshaft.api.adapters.connections import find_connection
from lineshaft.api.adapters.link_sessions import open_session
from lineshaft.api.domain.link_sessions import Refusal
from lineshaft.api.routes.connect_answers import FAILURES, HTML
from lineshaft.api.routes.connect_pages import refused
from lineshaft.api.routes.context import Api
from lineshaft.api.routes.link_sessions import reauthorization_of
from lineshaft.api.routes.pages import page_headers
from lineshaft.common.events.connections import Lifecycle
from lineshaft.common.links import InvalidLinkError, open_link

router = APIRouter(tags=["connect"])


@router.get(
    "/reauthorize/{token}",
    responses=HTML | {303: {"description": "On to the connect page"}} | FAILURES,
    response_class=Response,
)
async def reauthorize(api: Api, token: Annotated[str, Path(max_length=1000)]) -> Response:
    """Opens a signed reconnect link."""
    try:
        connection_id = open_link(token, api.link_key, now=api.clock())
    except InvalidLinkError:
        raise refused(Refusal.INVALID_LINK) from None
    connection = await find_connection(api.pool, connection_id)
    if connection is None or connection.lifecycle is Lifecycle.DISCONNECTED:
        raise refused(Refusal.GONE)
    new = reauthorization_of(api, connection, by="reconnect link")
    _, capability = await open_session(api.pool, new, at=api.clock())
    return RedirectResponse(f"/connect/{capability}", status_code=303, headers=page_headers())
