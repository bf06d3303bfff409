import re

import pytest

from lineshaft.api.console import fleet
from lineshaft.common.outcomes import ConnectionStatus
from services.api.tests.routes.conftest import World

from .conftest import Reader
from .seeding import LABELS, many, seed

pytestmark = pytest.mark.integration

ROW = re.compile(r'class="row-link" href="/console/connections/(con_\w+)">([^<]+)<')


@pytest.fixture(autouse=True)
async def _nothing_left(world: World) -> None:
    await world.context.pool.execute("delete from connection")


async def test_people_are_told_how_each_system_was_verified(editor: Reader, world: World) -> None:
    catalog = world.context.catalog.systems
    told = {
        one["system"]: one["verification"] for one in (await world.call("GET", "/systems")).json()["data"]
    }
    assert told == {name: system.manifest.verification for name, system in catalog.items()}
    tiles = (await editor.get("/console/connect")).text.split('class="tile"')[1:]
    for name, verification in told.items():
        (tile,) = [one for one in tiles if f'/connect/{name}"' in one]
        assert ("not tested with the system itself" in tile) == (verification != "real"), name


async def test_an_empty_installation_leads_to_the_first_connection(editor: Reader, world: World) -> None:
    assert "Connect the first customer" in (await editor.get("/console")).text
    systems = (await editor.get("/console/connect")).text
    assert all(system.manifest.label in systems for system in world.context.catalog.systems.values())
    answer = await editor.send(
        "/console/connect/tryton", {"label": "Mill <7>", "base_url": "https://erp.example.com"}
    )
    link = re.search(r"http://api\.test/connect/[\w-]+", answer.text)
    assert link is not None
    assert "Waiting for the customer" in answer.text
    waiting = re.search(r"/console/connect/waiting/(con_\w+)", answer.text)
    assert waiting is not None
    assert "hx-redirect" not in (await editor.get(waiting.group(0), **{"HX-Request": "true"})).headers
    command_id = await world.submit(link.group(0).removeprefix("http://api.test"))
    await world.answer(command_id, result={"account_id": "plant/5", "credential_version": 1})
    there = await editor.get(waiting.group(0), **{"HX-Request": "true"})
    assert there.headers["hx-redirect"] == f"/console/connections/{waiting.group(1)}"
    assert "Mill &lt;7&gt;" in (await editor.get("/console/connections")).text


async def test_a_link_that_cannot_be_made_names_the_field(editor: Reader) -> None:
    answer = await editor.send("/console/connect/tryton", {"base_url": "no address", "label": "Mill 7"})
    assert answer.status_code == 422
    assert 'aria-invalid="true" aria-describedby="base_url-help"' in answer.text
    assert 'value="Mill 7"' in answer.text


async def test_home_begins_with_what_needs_attention(editor: Reader, world: World) -> None:
    await seed(world)
    page = (await editor.get("/console")).text
    assert [name for _, name in ROW.findall(page)] == ["Brewery Lake", "Foundry 3", "Harbour cranes"]
    assert "Customer&#39;s move: Send the customer the reconnect link." in page
    part = await editor.get("/console", **{"HX-Request": "true"})
    assert part.text.lstrip().startswith('<div id="home"')


async def test_the_fleet_is_filtered_searched_and_paged(
    editor: Reader, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet, "ROWS", 2)
    ids = await seed(world)
    seen: list[str] = []
    path = "/console/connections"
    while path:
        page = (await editor.get(path)).text
        seen += [name for _, name in ROW.findall(page)]
        following = re.search(r'href="([^"]+)" rel="next"', page)
        path = following.group(1).replace("&amp;", "&") if following else ""
    assert seen == ["Brewery Lake", "Foundry 3", "Harbour cranes", "Cold store West", "Paper mill North"]
    for query, names in {
        "status=attention": ["Brewery Lake", "Foundry 3"],
        "status=healthy": ["Cold store West", "Paper mill North"],
        "q=MILL": ["Paper mill North"],
        f"q={ids[3]}": ["Foundry 3"],
        "q=100%25": [],
        "system=postgresql": [],
    }.items():
        found = await editor.get(f"/console/connections?{query}", **{"HX-Request": "true"})
        assert [name for _, name in ROW.findall(found.text)] == names, query
    assert (await editor.get("/console/connections?status=broken")).status_code == 422
    assert (await editor.get("/console/connections?after=forged")).status_code == 422


async def test_a_verdict_about_replaced_credentials_is_not_shown(editor: Reader, world: World) -> None:
    ids = await seed(world)
    await world.context.pool.execute(
        "update connection set credential_version = 2 where connection_id = $1", ids[1]
    )
    page = (await editor.get(f"/console/connections?q={LABELS[1].split()[0]}")).text
    assert "Waiting for first calls" in page
    assert ConnectionStatus.REAUTHORIZATION_REQUIRED not in page.split('id="fleet"')[1]
    assert "refuses the stored credentials" not in page


async def test_ten_thousand_connections_come_in_pages(editor: Reader, world: World) -> None:
    await many(world, 10_000)
    assert "10\u202f001" in (await editor.get("/console")).text
    for query, rows in {"": fleet.ROWS, "status=unreachable": fleet.ROWS, "q=plant+777": 11}.items():
        answer = await editor.get(f"/console/connections?{query}")
        assert (answer.status_code, len(ROW.findall(answer.text))) == (200, rows), query
