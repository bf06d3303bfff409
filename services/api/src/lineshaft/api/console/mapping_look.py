"""`Look again` in the mapping editor: what the source has added since it was looked at last."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from lineshaft.api.console.actions import ACCEPTED
from lineshaft.api.console.connection import ConnectionPath, frame
from lineshaft.api.console.mapping_workbench import EntityPath, source_rows, workbench_of
from lineshaft.api.console.notices import Notice, back_to
from lineshaft.api.console.pages import HOME, is_part, page
from lineshaft.api.console.visitors import Editor, Visitor
from lineshaft.api.domain.problems import ProblemError
from lineshaft.api.routes import schemas
from lineshaft.api.routes.context import Api, Context

router = APIRouter(prefix=HOME + "/connections/{connection_id}/mapping")


@router.post("/{entity}/look")
async def look(
    request: Request, api: Api, visitor: Editor, connection_id: ConnectionPath, entity: EntityPath
) -> Response:
    """Only the list of source fields is drawn anew: what is being edited stays as it is."""
    connection, before = await workbench_of(api, connection_id, entity)
    failed = await _asked(api, visitor, connection_id, before.active.object)
    _, bench = await workbench_of(api, connection_id, entity)
    known = {one.path for one in before.source}
    news = [one.path for one in bench.source if one.path not in known]
    looked = failed or Notice("done", f"New: {', '.join(news)}." if news else "There is nothing new.")
    if not is_part(request):
        return back_to(f"{HOME}/connections/{connection_id}/mapping/{entity}", looked)
    return page(
        request,
        "mapping_source.html",
        **await frame(api, visitor, connection),
        entity=entity,
        active=bench.active,
        source=sorted(source_rows(bench), key=lambda one: one["path"] not in news),
        news=set(news),
        looked=looked,
    )


async def _asked(api: Context, visitor: Visitor, connection_id: str, name: str) -> Notice | None:
    """Why the source could not be looked at."""
    try:
        answer = await schemas.refresh(api, visitor.caller, connection_id, schemas.Look(objects=[name]))
    except ProblemError as error:
        return Notice("failed", error.problem.detail)
    slow = answer.status_code == ACCEPTED
    return Notice("failed", "The source takes longer to answer. Look again in a moment.") if slow else None
