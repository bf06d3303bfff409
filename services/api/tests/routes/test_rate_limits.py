from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from lineshaft.api.settings import ApiSettings
from lineshaft.common.postgres.pool import Pool

from .conftest import World, a_world

pytestmark = pytest.mark.integration

LIMIT = 5


@pytest_asyncio.fixture
async def limited(pools: dict[str, Pool], settings: ApiSettings) -> AsyncIterator[World]:
    async with a_world(pools, settings.model_copy(update={"requests_per_minute": LIMIT})) as world:
        yield world


async def test_a_key_that_asks_too_often_is_told_when_to_go_on(limited: World) -> None:
    answers = [await limited.call("GET", "/systems") for _ in range(LIMIT)]
    assert [one.status_code for one in answers] == [200] * LIMIT
    assert [one.headers["ratelimit-remaining"] for one in answers] == ["4", "3", "2", "1", "0"]
    assert {one.headers["ratelimit-limit"] for one in answers} == {str(LIMIT)}
    refused = await limited.call("GET", "/systems")
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert refused.headers["content-type"] == "application/problem+json"
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.headers["ratelimit-remaining"] == "0"
    assert refused.json()["request_id"] == refused.headers["x-request-id"]


async def test_each_key_has_its_own_limit(limited: World) -> None:
    made = (await limited.call("POST", "/admin-keys", {"name": "other", "scopes": ["read"]})).json()["key"]
    for _ in range(LIMIT):
        await limited.call("GET", "/systems")
    assert (await limited.call("GET", "/systems")).status_code == 429
    assert (await limited.call("GET", "/systems", key=made)).status_code == 200


async def test_pages_and_requests_without_a_key_are_not_counted(limited: World) -> None:
    for _ in range(LIMIT + 1):
        assert (await limited.http.get("/v1/systems")).status_code == 401
        assert (await limited.http.get("/console/sign-in")).status_code == 200
        assert (await limited.call("GET", "/systems", key="lsa_garbage")).status_code == 401


async def test_a_limit_can_be_lifted(pools: dict[str, Pool], settings: ApiSettings) -> None:
    async with a_world(pools, settings.model_copy(update={"requests_per_minute": 0})) as world:
        assert "ratelimit-limit" not in (await world.call("GET", "/systems")).headers
