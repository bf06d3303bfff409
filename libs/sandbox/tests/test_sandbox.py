"""The sandbox in process: what it shows, and what the admin can make of it."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from starlette.types import ASGIApp

from lineshaft.sandbox.admin import Admin
from lineshaft.sandbox.interface import Interface
from lineshaft.sandbox.plant import OBJECTS, PlantSize, plant
from lineshaft.sandbox.sandbox import Sandbox

ADMIN = {"authorization": "Bearer of-the-admin"}
GOOD = ("lineshaft", "right")


class FakeDoor:
    is_open = True

    async def open(self) -> None:
        self.is_open = True

    async def close(self) -> None:
        self.is_open = False


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(password="right", token="of-the-account", size=PlantSize(parts=25))


def client(app: ASGIApp, headers: dict[str, str] | None = None) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="http://plant.example", headers=headers
    )


@pytest_asyncio.fixture(loop_scope="session")
async def source(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with client(Interface(sandbox).app()) as source:
        yield source


@pytest_asyncio.fixture(loop_scope="session")
async def admin(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with client(Admin(sandbox, FakeDoor(), "of-the-admin").app(), ADMIN) as admin:
        yield admin


def test_the_plant_is_the_same_each_time_and_refers_to_what_is_there() -> None:
    records = plant()
    assert records == plant()
    ids = {name: {one["id"] for one in records[name]} for name in OBJECTS}
    for name, field, target in (
        ("assets", "location_id", "locations"),
        ("assets", "parent_id", "assets"),
        ("parts", "vendor_id", "vendors"),
        ("purchase_orders", "vendor_id", "vendors"),
        ("work_orders", "asset_id", "assets"),
    ):
        assert {one[field] for one in records[name]} - {None} <= ids[target]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"authorization": "Bearer of-the-account"}, 200),
        ({"authorization": "Bearer wrong"}, 401),
        ({"authorization": "Basic !!"}, 401),
        ({"authorization": "Digest x"}, 401),
    ],
)
async def test_whom_it_admits(source: httpx.AsyncClient, headers: dict[str, str], status: int) -> None:
    assert (await source.get("/v1/me", headers=headers)).status_code == status


async def all_pages(source: httpx.AsyncClient, query: str = "limit=10") -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = (await source.get(f"/v1/parts?{query}{cursor}", auth=GOOD)).json()
        records += page["data"]
        if page["next_cursor"] is None:
            return records
        cursor = f"&cursor={page['next_cursor']}"


async def test_pages_and_changes(source: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    assert [one["id"] for one in (await all_pages(source))] == list(range(1, 26))
    await admin.patch("/admin/records/parts", json={"ids": [3, 9], "values": {"name": "New"}})
    changed = await all_pages(source, "limit=1&updated_after=2026-01-01T00:00:00Z")
    assert [(one["id"], one["name"]) for one in changed] == [(3, "New"), (9, "New")]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=x", "cursor=%21", "updated_after=soon", "modified_since=2026-01-01"]
)
async def test_what_it_does_not_understand_it_refuses(source: httpx.AsyncClient, query: str) -> None:
    assert (await source.get(f"/v1/parts?{query}", auth=GOOD)).status_code == 400


@pytest.mark.parametrize("query", ["limit=10", "limit=100", "limit=100&cursor=again"])
async def test_the_same_page_comes_for_ever(
    source: httpx.AsyncClient, admin: httpx.AsyncClient, query: str
) -> None:
    await admin.put("/admin/faults", json={"pages": "repeated"})
    answer = (await source.get(f"/v1/parts?{query}", auth=GOOD)).json()
    assert (answer["data"][0]["id"], answer["next_cursor"]) == (1, "again")


async def test_a_mass_deletion_and_a_reset(source: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    assert (await admin.request("DELETE", "/admin/records/parts", json={"share": 0.8})).json() == {
        "deleted": 20
    }
    assert len(await all_pages(source)) == 5
    await admin.post("/admin/reset")
    assert len(await all_pages(source)) == 25


async def test_errors_that_end_by_themselves(source: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    await admin.put("/admin/faults", json={"server_error": {"status": 502, "times": 2}})
    answers = [(await source.get("/v1/parts", auth=GOOD)).status_code for _ in range(3)]
    assert answers == [502, 502, 200]
    assert (await admin.get("/admin")).json()["by_status"] == {"502": 2, "200": 1}


async def test_faults_that_concern_one_object(source: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    await admin.put("/admin/faults", json={"html": True, "objects": ["parts"]})
    assert (await source.get("/v1/parts", auth=GOOD)).headers["content-type"].startswith("text/html")
    assert (await source.get("/v1/vendors", auth=GOOD)).json()["data"]


async def test_the_schema_drifts_with_the_records(
    source: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    drift = {"dropped": ["unit"], "renamed": {"name": "title"}, "added": {"abc": 1}, "retyped": ["number"]}
    (
        await admin.put(
            "/admin/faults", json={"drift": {"parts": drift}, "forbidden_fields": {"parts": ["kind"]}}
        )
    )
    schema = {one["name"]: one for one in (await source.get("/v1/schema/parts", auth=GOOD)).json()["fields"]}
    record = (await source.get("/v1/parts?limit=1", auth=GOOD)).json()["data"][0]
    assert set(schema) - {"kind"} == set(record)
    assert record["number"] == {"value": "P-00001"}
    assert not schema["kind"]["readable"]


async def test_what_is_written_may_be_of_any_json_type(source: httpx.AsyncClient) -> None:
    for cost in (12.5, {"amount": 12}, [1]):
        written = await source.patch("/v1/parts/1", auth=GOOD, json={"unit_cost": cost})
        assert written.json()["unit_cost"] == cost
        assert (await source.get("/v1/schema/parts", auth=GOOD)).status_code == 200


async def test_faults_add_up_and_bad_ones_are_refused(admin: httpx.AsyncClient) -> None:
    await admin.put("/admin/faults", json={"html": True})
    assert (await admin.put("/admin/faults", json={"credentials": "expired"})).json()["html"] is True
    assert (await admin.put("/admin/faults", json={"credentials": "lost"})).status_code == 422
    assert (await admin.put("/admin/faults", json={"no_such_fault": 1})).status_code == 422
    assert (await admin.delete("/admin/faults")).json()["credentials"] == "accepted"


async def test_the_admin_has_a_key_of_his_own(admin: httpx.AsyncClient) -> None:
    assert (await admin.get("/admin", headers={"authorization": "Bearer of-the-account"})).status_code == 401
    assert (await admin.put("/admin/door", json={"open": False})).status_code == 204
    assert (await admin.get("/admin")).json()["open"] is False
    assert (await admin.patch("/admin/records/nothing", json={"ids": [1]})).status_code == 404
    assert (await admin.put("/admin/credentials", json={"colour": "red"})).status_code == 422


async def test_requests_are_remembered(source: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    await source.get("/v1/parts?limit=5", auth=GOOD)
    await source.get("/v1/me")
    seen = [
        (one["path"], one["query"], one["status"])
        for one in (await admin.get("/admin/requests")).json()["data"]
    ]
    assert seen == [("/v1/parts", "limit=5", 200), ("/v1/me", "", 401)]
    await admin.delete("/admin/requests")
    assert (await admin.get("/admin")).json()["requests"] == 0
