"""What the OpenAPI description allows is asked, what it forbids too: the answers are as it says."""

import asyncio
import contextlib
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from lineshaft.common.unified import ROUTES

from .conftest import World, whole_application

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
EXAMPLES = 3
WAITS_FOR_THE_SOURCE = {"POST /v1/connections/{connection_id}/objects"}
"""Nobody answers for it here, which is a 503."""
ENTITIES_ASKED = {"purchase-orders"}
"""The routes of all entities are made by the same functions."""

NOT_ASKED = {f"/v1/{route}" for route in ROUTES.values() if route not in ENTITIES_ASKED}


def asked(path: str) -> bool:
    return not any(path == left or path.startswith(f"{left}/") for left in NOT_ASKED)


async def test_every_route_answers_as_it_is_described(world: World) -> None:
    description = whole_application(world.context).openapi()
    description["paths"] = {path: one for path, one in description["paths"].items() if asked(path)}
    for methods in description["paths"].values():
        for one in methods.values():
            one.pop("security", None)  # the test gives the key
    schema = schemathesis.openapi.from_dict(description)
    loop = asyncio.get_running_loop()
    told: dict[str, str] = {}
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        known = await things(world)

        def send(case: Any, known: dict[str, str] = known) -> None:
            prepared: Any = requests.Request(**_request(case, world, known)).prepare()
            asked = world.http.request(
                prepared.method, prepared.url, headers=dict(prepared.headers), content=prepared.body
            )
            answer: httpx.Response = asyncio.run_coroutine_threadsafe(asked, loop).result(30)
            left_out = [not_a_server_error] if case.operation.label in WAITS_FOR_THE_SOURCE else []
            case.validate_response(answer, checks=CHECKS, excluded_checks=left_out)

        try:
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                with contextlib.suppress(Unsatisfiable):  # where nothing is asked for, nothing can be wrong
                    await asyncio.to_thread(_run, operation, mode, send, known)
        except FailureGroup as error:
            told[operation.label] = str(error)
    assert told == {}, "\n\n".join(f"{label}: {why}" for label, why in told.items())


async def things(world: World) -> dict[str, str]:
    """What is there, in place of parts of the path that are made up."""
    connection_id, _ = await world.connect()
    (order,) = await world.store(connection_id, "purchase_order", [{"id": 5, "number": "P-5"}])
    return {"connection_id": connection_id, "entity_id": order["id"], "entity": "purchase_order"}


def _request(case: Any, world: World, known: dict[str, str]) -> dict[str, Any]:
    kwargs: dict[str, Any] = case.as_transport_kwargs(base_url=world.context.settings.public_url)
    kwargs["headers"]["Authorization"] = f"Bearer {world.admin_key}"
    return {
        name: kwargs[name]
        for name in ("method", "url", "headers", "params", "data", "json", "files", "cookies")
        if kwargs.get(name) is not None
    }


def _run(operation: Any, mode: GenerationMode, send: Any, known: dict[str, str]) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), real=st.booleans())
    def ask(case: Any, *, real: bool) -> None:
        if real:
            _place(case, known)
        send(case)

    ask()


def _place(case: Any, known: dict[str, str]) -> None:
    for part in set(case.path_parameters or {}) & set(known):
        case.path_parameters[part] = known[part]
    asked_for = case.operation.definition.raw.get("parameters", [])
    if any(one["name"] == "connection_id" and one["in"] == "query" for one in asked_for):
        case.query = dict(case.query or {}) | {"connection_id": known["connection_id"]}
