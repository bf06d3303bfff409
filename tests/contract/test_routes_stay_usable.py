"""A client that was written for the version before goes on to work with this one.

A change that breaks it is a new route or field beside the old one, or waits for a release that says so in the
changelog and renews the released routes (`make release-contracts`).
"""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from lineshaft.tools.released_routes import breaks, current_routes, released_routes

SYNC = "POST /v1/connections/{connection_id}/syncs"
STATUS = "GET /v1/connections/{connection_id}/status"
LIST = "GET /v1/work-orders"

Change = Callable[[dict[str, Any], dict[str, Any]], Any]
"""Of the routes and the schemas."""


@pytest.fixture(scope="module")
def current() -> dict[str, Any]:
    return current_routes()


def test_what_is_released_goes_on_to_work(current: dict[str, Any]) -> None:
    assert breaks(released_routes(), current) == []


def drop_a_value(schemas: dict[str, Any], name: str) -> None:
    schemas[name]["enum"] = schemas[name]["enum"][1:]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda routes, _: routes.pop(LIST), f"{LIST} is gone"),
        (lambda routes, _: routes.pop("GET /v1/assets/{entity_id}"), "GET /v1/assets/{entity_id} is gone"),
        (
            lambda routes, _: routes[LIST]["takes"]["properties"].pop("status"),
            f"{LIST} takes.status is gone",
        ),
        (
            lambda routes, _: routes[LIST]["takes"]["required"].append("status"),
            f"{LIST} takes.status is demanded now",
        ),
        (
            lambda _, schemas: schemas["SyncRequest"].update(required=["mode"]),
            f"{SYNC} takes.body.mode is demanded now",
        ),
        (
            lambda _, schemas: drop_a_value(schemas, "SyncMode"),
            f"{SYNC} takes.body.mode: incremental is gone",
        ),
        (
            lambda _, schemas: schemas["Status"]["properties"].pop("breaker"),
            f"{STATUS} gives.200.breaker is gone",
        ),
        (
            lambda _, schemas: schemas["Status"]["properties"].update(since={"anyOf": [{"type": "null"}]}),
            f"{STATUS} gives.200.since: it may be null now",
        ),
        (lambda routes, _: routes[SYNC]["gives"]["properties"].pop("202"), f"{SYNC} gives.202 is gone"),
    ],
)
def test_a_change_that_clients_stumble_over_is_named(
    current: dict[str, Any], change: Change, said: str
) -> None:
    after = copy.deepcopy(current)
    change(after["routes"], after["schemas"])
    assert said in breaks(current, after)


def test_routes_parameters_fields_and_values_may_be_added(current: dict[str, Any]) -> None:
    after = copy.deepcopy(current)
    after["routes"]["GET /v1/news"] = {"takes": {}, "gives": {}}
    after["routes"][LIST]["takes"]["properties"]["more"] = {"type": "string"}
    after["schemas"]["Status"]["properties"]["more"] = {"type": "string"}
    after["schemas"]["SyncRequest"]["properties"]["request_id"] = {}
    after["schemas"]["ConnectionStatus"]["enum"].append("asleep")
    assert breaks(current, after) == []
