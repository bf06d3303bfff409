"""Every route that the description has is tried with every kind of key: a new route is among them by itself.

What a key does not open is answered with 401, 403 or 404, and with nothing of another customer's.
"""

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio

from lineshaft.api.domain.keys import KeyKind, Scope, new_key
from lineshaft.api.routes.authentication import ADMIN_KEY, ANY_KEY
from lineshaft.api.settings import ApiSettings
from lineshaft.common.postgres.pool import Pool

from .conftest import World, a_world

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

CANARY = "canary-of-another-customer"
NOTHING = "nothing_of_this_name"
UNAUTHORIZED, FORBIDDEN = (401, "unauthorized"), (403, "forbidden")


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    scheme: str
    scope: Scope
    takes_connection: bool

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def filled(self, names: dict[str, str]) -> str:
        return re.sub(r"{(\w+)}", lambda found: names.get(found[1], NOTHING), self.path)


@dataclass
class Stage:
    """Two customers: `mine` has a token, of `other` nothing may be seen with it."""

    world: World
    routes: list[Route]
    mine: str
    token: str
    other: dict[str, str]
    keys: dict[str, str]

    async def ask(self, route: Route, key: str | None, names: dict[str, str]) -> httpx.Response:
        headers = {"Authorization": f"Bearer {key}"} if key is not None else {}
        query = {"connection_id": names["connection_id"]} if route.takes_connection else None
        body: Any = {} if route.method in {"POST", "PUT", "PATCH"} else None
        if route.path.endswith("/bulk"):
            body = {"items": [{"values": {}}]}
        return await self.world.http.request(
            route.method, route.filled(names), headers=headers, params=query, json=body
        )


def routes_of(description: dict[str, Any]) -> Iterator[Route]:
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            if path.startswith("/v1"):
                ((scheme, (scope,)),) = [pair for one in operation["security"] for pair in one.items()]
                takes_connection = any(
                    (one["name"], one["in"]) == ("connection_id", "query")
                    for one in operation.get("parameters", ())
                )
                yield Route(method.upper(), path, scheme, Scope(scope), takes_connection)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(pools: dict[str, Pool], settings: ApiSettings) -> AsyncIterator[Stage]:
    async with a_world(pools, settings) as world:
        mine, token = await world.connect("plant/1")
        other, _ = await world.connect("plant/2")
        await world.context.pool.execute(
            "update connection set label = $2, metadata = $3 where connection_id = $1",
            other,
            CANARY,
            {"customer": CANARY},
        )
        (record,) = await world.store(other, "item", [{"id": 1, "rec_name": CANARY}])
        operation_id = await world.context.pool.fetchval("select command_id from command limit 1")
        await world.context.pool.execute(
            "update command set kind = 'write', connection_id = $2, request = $3 where command_id = $1",
            operation_id,
            other,
            {"entity": "item", "operation": "create", "values": {"name": CANARY}, "revision": 1},
        )
        description = (await world.http.get("/openapi.json")).json()
        yield Stage(
            world,
            list(routes_of(description)),
            mine,
            token,
            {
                "connection_id": other,
                "entity_id": record["id"],
                "entity": "item",
                "operation_id": operation_id,
            },
            await _keys(world),
        )


async def _keys(world: World) -> dict[str, str]:
    made = {}
    wanted = {"expired": set(Scope), "revoked": set(Scope)} | {str(one): {one} for one in Scope}
    for name, scopes in wanted.items():
        answer = await world.call("POST", "/admin-keys", {"name": name, "scopes": list(scopes)})
        made[name] = answer.json()["key"]
        if name == "revoked":
            assert (await world.call("DELETE", f"/admin-keys/{answer.json()['id']}")).status_code == 204
        if name == "expired":
            await world.context.pool.execute(
                "update api_key set expires_at = now() where key_id = $1", answer.json()["id"]
            )
    return made


def answered(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, str(answer.json()["code"])


async def test_every_route_names_one_scope(stage: Stage) -> None:
    assert len(stage.routes) > 150
    assert {route.scheme for route in stage.routes} == {ADMIN_KEY, ANY_KEY}
    assert {route.scope for route in stage.routes} == set(Scope)
    for route in stage.routes:
        if route.scope is Scope.READ:
            computes = route.path.endswith(("/preview", "/dry-run"))
            assert route.method == "GET" or computes, route
        else:
            assert route.method != "GET", route


@pytest.mark.parametrize(
    "kind", ["none", "garbage", "unknown admin key", "unknown token", "expired", "revoked"]
)
async def test_what_is_no_key_in_force_opens_nothing(stage: Stage, kind: str) -> None:
    key = {
        "none": None,
        "garbage": "lsa_garbage",
        "unknown admin key": new_key(KeyKind.ADMIN),
        "unknown token": new_key(KeyKind.CONNECTION),
        "expired": stage.keys["expired"],
        "revoked": stage.keys["revoked"],
    }[kind]
    told = {}
    for route in stage.routes:
        answer = await stage.ask(route, key, stage.other)
        if answered(answer) != UNAUTHORIZED or CANARY in answer.text:
            told[str(route)] = answer.text
    assert told == {}


async def test_a_token_opens_nothing_of_another_connection(stage: Stage) -> None:
    told = {}
    for route in stage.routes:
        answer = await stage.ask(route, stage.token, stage.other)
        wanted = {FORBIDDEN} if route.scheme == ADMIN_KEY else {(404, "not_found"), FORBIDDEN}
        refused = answer.status_code >= 400 and answered(answer) in wanted
        if CANARY in answer.text or not refused:
            told[str(route)] = f"{answer.status_code} {answer.text}"
    assert told == {}


@pytest.mark.parametrize("scope", Scope)
async def test_a_scope_opens_its_own_routes_alone(stage: Stage, scope: Scope) -> None:
    told = {}
    nothing = dict.fromkeys(stage.other, NOTHING)
    for route in stage.routes:
        answer = await stage.ask(route, stage.keys[scope], stage.other if route.scope != scope else nothing)
        refused = answer.status_code == 403
        if refused != (route.scope != scope) or (refused and CANARY in answer.text):
            told[str(route)] = f"{answer.status_code} {answer.text}"
    assert told == {}
