"""The first connection, and every other one: a link for the customer, and a page that waits for them."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import ValidationError
from starlette.responses import Response

from lineshaft.api.adapters.connections import find_connection
from lineshaft.api.console.forms import FRESH, Filled
from lineshaft.api.console.pages import HOME, page
from lineshaft.api.console.visitors import Editor, Form, Signed
from lineshaft.api.domain.problems import ProblemError, not_found
from lineshaft.api.routes import link_sessions
from lineshaft.api.routes.context import Api, Context
from lineshaft.api.routes.link_sessions import NewLinkSession
from lineshaft.common.integrations import System

router = APIRouter(prefix=HOME)

VERIFIED = {
    "real": "Tested with the system itself.",
    "vendor-spec": "Written from the vendor's specification; not tested with the system itself.",
    "doc-derived": "Written from public documents; not tested with the system itself.",
}

SystemPath = Annotated[str, Path(max_length=100)]


@router.get("/connect")
async def choose(request: Request, api: Api, visitor: Signed) -> Response:
    systems = sorted(api.catalog.systems.values(), key=lambda system: system.manifest.label.lower())
    return page(request, "connect_systems.html", visitor=visitor, systems=systems, verified=VERIFIED)


@router.get("/connect/{system_id}")
async def prepare(request: Request, api: Api, visitor: Signed, system_id: SystemPath) -> Response:
    system = _system(api, system_id)
    return page(request, "connect_form.html", visitor=visitor, system=system, **FRESH.shown())


@router.post("/connect/{system_id}")
async def create(request: Request, api: Api, visitor: Editor, system_id: SystemPath, form: Form) -> Response:
    system = _system(api, system_id)
    typed = {name: text for name, value in form.items() if (text := str(value).strip())}
    known: dict[str, Any] = {one.key: typed[one.key] for one in system.manifest.settings if one.key in typed}
    try:
        body = NewLinkSession(
            system=system.id,
            settings=known,
            label=typed.get("label", ""),
            redirect_url=typed.get("redirect_url"),
        )
        made = await link_sessions.create(api, visitor.caller, body)
    except (ProblemError, ValidationError) as error:
        filled = Filled(typed, _errors(error))
        return page(request, "connect_form.html", visitor=visitor, system=system, **filled.shown())
    return page(request, "connect_link.html", visitor=visitor, system=system, made=made)


@router.get("/connect/waiting/{connection_id}")
async def waiting(
    request: Request, api: Api, visitor: Signed, connection_id: Annotated[str, Path(max_length=100)]
) -> Response:
    """Asked by the page with the link until the customer has been there."""
    there = await find_connection(api.pool, connection_id) is not None
    headers = {"HX-Redirect": f"{HOME}/connections/{connection_id}"} if there else {}
    return page(
        request, "connect_waiting.html", visitor=visitor, connection_id=connection_id, headers=headers
    )


def _system(api: Context, system_id: str) -> System:
    system = api.catalog.systems.get(system_id)
    if system is None:
        raise not_found("system")
    return system


def _errors(error: ProblemError | ValidationError) -> dict[str, str]:
    """Field of the form to what is wrong with it."""
    if isinstance(error, ValidationError):
        return {str(one["loc"][-1]): one["msg"] for one in error.errors()}
    found = {one.field.removeprefix("settings."): one.message for one in error.problem.errors}
    return found or {"": error.problem.detail}
