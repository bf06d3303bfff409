"""What a deleted connection's address shows: that it is gone, since when, and the receipts of its purge."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from lineshaft.api.console.connection import ConnectionPath
from lineshaft.api.console.pages import HOME, is_part, page
from lineshaft.api.console.visitors import Signed, find_visitor
from lineshaft.api.domain.problems import ProblemError
from lineshaft.api.routes import purges
from lineshaft.api.routes.answers import on_problem
from lineshaft.api.routes.context import Api, context_of
from lineshaft.api.routes.existence import NoConnectionError

GONE = 410

router = APIRouter(prefix=HOME + "/connections/{connection_id}")


@router.get("/receipt")
async def receipt(api: Api, visitor: Signed, connection_id: ConnectionPath) -> Response:
    """As a file, for whoever has to prove the deletion."""
    purge = await purges.purge(api, visitor.caller, connection_id)
    return Response(
        purge.model_dump_json(indent=2),
        media_type="application/json",
        headers={
            "Content-Disposition": f'attachment; filename="deletion-of-{connection_id}.json"',
            "Cache-Control": "no-store",
        },
    )


async def on_no_connection(request: Request, error: Exception) -> Response:
    """Every page of a deleted connection tells of the deletion; to programs the answer stays the same."""
    assert isinstance(error, NoConnectionError)  # noqa: S101  registered for it alone
    if not request.url.path.startswith(f"{HOME}/"):
        return await on_problem(request, error)
    api = context_of(request)
    visitor = await find_visitor(api, request)
    try:
        if visitor is None:
            raise error
        purge = await purges.purge(api, visitor.caller, error.connection_id)
    except ProblemError:
        return await on_problem(request, error)
    address = f"{HOME}/connections/{error.connection_id}"
    if is_part(request) and request.url.path != address:
        return Response(status_code=GONE, headers={"HX-Redirect": address, "Cache-Control": "no-store"})
    return page(
        request,
        "deleted_rows.html" if is_part(request) else "deleted.html",
        http_status=200 if is_part(request) else GONE,
        visitor=visitor,
        purge=purge,
        base=address,
        expiring=[(topic, one.service) for one in purge.receipts for topic in one.topics if topic.until],
        done=sum(one.completed_at is not None for one in purge.receipts),
    )
