"""`/connect/{capability}`: the hosted page where a customer logs in.

The address is the capability: whoever has it may submit credentials, once, until it expires.
"""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request
from starlette.datastructures import UploadFile
from starlette.responses import Response

from lineshaft.api.adapters.link_sessions import choose_system, find_session
from lineshaft.api.adapters.oauth_clients import find_client
from lineshaft.api.domain.consents import asks_for_consent
from lineshaft.api.domain.link_sessions import LinkSession
from lineshaft.api.domain.problems import FieldProblem, ProblemCode, invalid, problem
from lineshaft.api.routes.answers import JSON
from lineshaft.api.routes.catalog import system_of
from lineshaft.api.routes.connect_answers import FAILURES, HTML, SUBMIT
from lineshaft.api.routes.connect_attempts import find_attempt, json_result, page_result, start
from lineshaft.api.routes.connect_consents import send_to_system
from lineshaft.api.routes.connect_pages import (
    Capability,
    CommandPath,
    form_of,
    form_page,
    missing,
    not_ready,
    refused,
    systems_page,
    waiting_page,
)
from lineshaft.api.routes.context import Api
from lineshaft.common.integrations.oauth import operators_client

MAX_FIELDS = 100
STEP_BY_STEP = "step-by-step"
"""The name of the form's button; no field of a system can have it."""

Chosen = Annotated[
    str | None,
    Query(
        max_length=100, description="The system that the customer has chosen, where that was left to them."
    ),
]

router = APIRouter(tags=["connect"])


@router.get("/connect/{capability}", responses=HTML | FAILURES, response_class=Response)
async def show(api: Api, capability: Capability, system: Chosen = None) -> Response:
    """The system's form; before it the systems to choose from, where the vendor has named none."""
    session = await _visited(api, capability, system)
    if not session.system:
        return await systems_page(api, session, capability)
    manifest = system_of(api.catalog, session.system).manifest
    if operators_client(manifest) and await find_client(api.pool, session.system) is None:
        raise not_ready(manifest.label)
    return await form_page(api, manifest, session, capability)


@router.post(
    "/connect/{capability}",
    responses=SUBMIT | FAILURES,
    response_class=Response,
    openapi_extra={
        "requestBody": {
            "description": "The fields of the system's form; all of them are strings.",
            "content": {
                media_type: {"schema": {"type": "object", "additionalProperties": {"type": "string"}}}
                for media_type in ("application/x-www-form-urlencoded", JSON)
            },
        }
    },
)
async def submit_form(request: Request, api: Api, capability: Capability, system: Chosen = None) -> Response:
    """Verify the credentials with the source and, if they are right, put them in force.

    The page's own button says `step-by-step`: the customer then sees each step, and chooses what is read
    before the connection is made. Whoever posts the fields alone connects at once, with all objects.
    """
    as_json = JSON in request.headers.get("accept", "")
    typed = await _typed(request)
    step_by_step = not as_json and STEP_BY_STEP in typed
    session = await _visited(api, capability, system)
    if not session.system:
        if as_json:
            raise invalid("system", "choose one, in the query")
        return await systems_page(api, session, capability)
    manifest = system_of(api.catalog, session.system).manifest
    if session.pending(api.clock()) and session.command_id is not None:
        command_id = session.command_id
    else:
        form = form_of(manifest, session)
        submitted = form.submit(typed)
        if submitted.errors:
            if as_json:
                raise problem(
                    ProblemCode.VALIDATION_FAILED,
                    "; ".join(f"{key}: {message}" for key, message in submitted.errors.items()),
                    errors=[FieldProblem(key, message) for key, message in submitted.errors.items()],
                )
            return await form_page(
                api,
                manifest,
                session,
                capability,
                typed=typed,
                errors=submitted.errors,
                status=422,
            )
        if session.offered is not None:
            await choose_system(api.pool, session)
        login = form.login_of(submitted.credentials)
        if asks_for_consent(manifest):
            return await send_to_system(
                api, session, capability, submitted, login, as_json=as_json, chooses=step_by_step
            )
        command_id = await start(
            api, session, submitted.settings, submitted.credentials, login, chooses=step_by_step
        )
    patience = api.settings.page_wait_seconds if step_by_step else api.settings.connect_wait_seconds
    command = await api.waiters.wait(command_id, patience)
    if command is None:
        raise missing()
    if as_json:
        return await json_result(api, session, capability, command)
    return await page_result(api, session, capability, command, typed=typed)


@router.get(
    "/connect/{capability}/attempts/{command_id}", responses=SUBMIT | FAILURES, response_class=Response
)
async def attempt(request: Request, api: Api, capability: Capability, command_id: CommandPath) -> Response:
    """What became of an attempt that took long; the page loads itself again until there is a result."""
    as_json = JSON in request.headers.get("accept", "")
    session, command = await find_attempt(api, capability, command_id)
    if as_json:
        return await json_result(api, session, capability, command)
    if command.completed_at is None:
        manifest = system_of(api.catalog, session.system).manifest
        return waiting_page(api.brand, manifest, session)
    return await page_result(api, session, capability, command)


async def _visited(api: Api, capability: str, system: str | None) -> LinkSession:
    """Raises a problem, a page in browsers, for a link that leads nowhere."""
    session = await find_session(api.pool, capability)
    if session is None:
        raise missing()
    if (refusal := session.refusal(api.clock())) is not None:
        raise refused(refusal)
    return session.of_system(system)


async def _typed(request: Request) -> dict[str, Any]:
    """Raises a problem for a body that is no form and no JSON object."""
    if request.headers.get("content-type", "").split(";")[0].strip().lower() == JSON:
        try:
            body = orjson.loads(await request.body())
        except orjson.JSONDecodeError:
            raise invalid("body", "is not JSON") from None
        if not isinstance(body, dict):
            raise invalid("body", "has to be an object of the form's fields")
        return body
    form = await request.form(max_files=0, max_fields=MAX_FIELDS)
    return {name: value for name, value in form.items() if not isinstance(value, UploadFile)}
