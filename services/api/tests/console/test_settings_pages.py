"""The settings of a connection, and what is left of it once it was deleted."""

import re

import pytest

from lineshaft.common.clock import now
from lineshaft.common.events.purges import receipt_of
from services.api.tests.routes.conftest import World
from services.api.tests.routes.test_networks import PROXY, an_authority

from .conftest import Reader

pytestmark = pytest.mark.integration

PART = {"HX-Request": "true"}
TOPICS = ("commands.connector", "commands.mapping", "commands.health", "commands.notifier")


@pytest.fixture
async def connection_id(world: World) -> str:
    found, _ = await world.connect()
    return found


async def test_the_way_to_a_source_is_set_by_form_and_marked(
    editor: Reader, world: World, connection_id: str
) -> None:
    base = f"/console/connections/{connection_id}"
    given = {
        "way": "proxy",
        "proxy_url": PROXY,
        "ca_certificate": an_authority(),
        "requests_per_minute": "30",
        "private_networks": "10.1.0.0/16\n192.168.7.9",
    }
    assert (await editor.send(f"{base}/network", given)).status_code == 303
    stored = (await world.call("GET", f"/connections/{connection_id}/network")).json()
    assert (stored["proxy"], stored["requests_per_minute"]) == ("http://proxy.example.com:3128", 30)
    assert (stored["changed_by"], stored["private_networks"]) == ("Ada", ["10.1.0.0/16", "192.168.7.9/32"])
    page = (await editor.get(f"{base}/settings")).text
    assert "Now <code>http://proxy.example.com:3128</code>" in page
    assert "BEGIN CERTIFICATE" in page
    assert "of%20the" not in page
    assert "on premises" in (await editor.get(base)).text
    await editor.send(f"{base}/network", {"way": "straight", "proxy_url": PROXY})
    stored = (await world.call("GET", f"/connections/{connection_id}/network")).json()
    assert (stored["proxy"], stored["ca_certificate"], stored["requests_per_minute"]) == (None, None, None)
    assert "on premises" not in (await editor.get(base)).text


async def test_saving_the_form_keeps_the_private_networks(
    editor: Reader, world: World, connection_id: str
) -> None:
    base = f"/connections/{connection_id}"
    path = f"{base}/network"
    await world.call("PUT", path, {"private_networks": ["10.20.0.0/16"]})
    page = (await editor.get(f"/console{base}/settings")).text
    shown = re.search(r'name="private_networks"[^>]*>([^<]*)<', page)
    assert shown is not None
    given = {"way": "straight", "requests_per_minute": "30", "private_networks": shown[1]}
    await editor.send(f"/console{path}", given)
    stored = (await world.call("GET", path)).json()
    assert (stored["private_networks"], stored["requests_per_minute"]) == (["10.20.0.0/16"], 30)


async def test_a_database_is_asked_for_its_authority_alone(editor: Reader, world: World) -> None:
    connection_id, _ = await world.connect()
    await world.pools["api"].execute(
        "update connection set system = 'postgresql' where connection_id = $1", connection_id
    )
    base = f"/console/connections/{connection_id}"
    page = (await editor.get(f"{base}/settings")).text
    assert 'name="ca_certificate"' in page
    assert 'name="proxy_url"' not in page
    authority = an_authority()
    assert (await editor.send(f"{base}/network", {"ca_certificate": authority})).status_code == 303
    stored = (await world.call("GET", f"/connections/{connection_id}/network")).json()
    assert stored["ca_certificate"].strip() == authority.strip()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"way": "proxy", "proxy_url": ""}, "Type the whole address"),
        ({"way": "proxy", "proxy_url": "socks5://proxy.example.com"}, "has to begin with http://"),
        ({"way": "straight", "ca_certificate": "no certificate"}, "is not a certificate in PEM form"),
        ({"way": "straight", "requests_per_minute": "many"}, "valid integer"),
        ({"way": "straight", "private_networks": "8.8.8.8"}, "is not within"),
    ],
)
async def test_what_does_not_fit_stands_at_its_field(
    editor: Reader, connection_id: str, given: dict[str, str], told: str
) -> None:
    answer = await editor.send(f"/console/connections/{connection_id}/network", given)
    (field,) = set(given) - {"way"}
    shown = re.search(rf'id="{field}-help">([^<]*)<', answer.text)
    assert (answer.status_code, shown is not None and told in shown.group(1)) == (422, True), answer.text


async def test_a_proxy_with_a_password_is_never_lost_by_saving_something_else(
    editor: Reader, world: World, connection_id: str
) -> None:
    path = f"/console/connections/{connection_id}/network"
    await editor.send(path, {"way": "proxy", "proxy_url": PROXY})
    refused = await editor.send(path, {"way": "proxy", "requests_per_minute": "20"})
    assert refused.status_code == 422
    stored = (await world.call("GET", f"/connections/{connection_id}/network")).json()
    assert (stored["proxy"], stored["requests_per_minute"]) == ("http://proxy.example.com:3128", None)


async def test_deleting_asks_for_the_name_and_then_shows_each_receipt(
    editor: Reader, world: World, connection_id: str
) -> None:
    base = f"/console/connections/{connection_id}"
    refused = await editor.send(f"{base}/delete", {"name": "Plant 8"})
    assert (refused.status_code, "Type Plant 7, exactly" in refused.text) == (422, True)
    assert (await world.call("GET", f"/connections/{connection_id}")).status_code == 200
    answer = await editor.send(f"{base}/delete", {"name": " Plant 7"})
    assert answer.headers["location"] == base
    page = await editor.get(base)
    assert (page.status_code, "This connection was deleted" in page.text) == (410, True)
    assert re.search(r'Deleted <time datetime="[^"]+" data-format="moment">[^<]+</time> by Ada', page.text)
    assert "1 of 5 services have given their receipt" in page.text
    assert f'hx-get="{base}"' in page.text
    for topic in TOPICS:
        command = (await world.outbox(topic))[-1]
        receipt = receipt_of(topic.replace("commands.", ""), {"record": 3}, now()).model_dump(mode="json")
        await world.answer(command["command_id"], result=receipt, connection_id=connection_id)
    part = await editor.get(base, **PART)
    assert part.text.lstrip().startswith('<div id="deleted">')
    assert "All 5 services have deleted what they held" in part.text
    assert "3 \u00d7 record" in part.text
    file = await editor.get(f"{base}/receipt")
    assert "attachment" in file.headers["content-disposition"]
    assert (file.json()["state"], len(file.json()["receipts"])) == ("completed", 5)


async def test_disconnecting_keeps_the_records(editor: Reader, world: World, connection_id: str) -> None:
    base = f"/console/connections/{connection_id}"
    await editor.send(f"{base}/disconnect")
    assert (await world.call("GET", f"/connections/{connection_id}")).json()["lifecycle"] == "disconnected"
    assert "what was read stays readable" in (await editor.get(f"{base}/settings")).text


async def test_a_page_that_was_open_goes_on_to_the_deletion(
    editor: Reader, world: World, connection_id: str
) -> None:
    base = f"/console/connections/{connection_id}"
    await world.call("DELETE", f"/connections/{connection_id}")
    assert (await editor.get(f"{base}/syncs", **PART)).headers["hx-redirect"] == base
    assert (await editor.get(f"{base}/syncs")).status_code == 410
    assert (await editor.get("/console/connections/con_never")).status_code == 404
    assert (await world.call("GET", f"/connections/{connection_id}")).status_code == 404


async def test_a_viewer_sees_settings_and_receipt_and_changes_nothing(
    viewer: Reader, world: World, connection_id: str
) -> None:
    page = (await viewer.get(f"/console/connections/{connection_id}/settings")).text
    assert 'action="/console/connections/' + connection_id + '/delete"' not in page
    assert page.count("disabled>") == 2 + 1, "all three forms"
    await world.call("DELETE", f"/connections/{connection_id}")
    assert "Receipts" in (await viewer.get(f"/console/connections/{connection_id}")).text


async def test_a_database_is_called_straight(viewer: Reader, world: World, connection_id: str) -> None:
    await world.context.pool.execute(
        "update connection set system = 'postgresql' where connection_id = $1", connection_id
    )
    page = (await viewer.get(f"/console/connections/{connection_id}/settings")).text
    assert "is a database" in page
    assert 'name="private_networks"' in page
    assert 'name="proxy_url"' not in page


async def test_what_is_read_is_shown_changed_and_audited(
    editor: Reader, world: World, connection_id: str
) -> None:
    base, path = f"/console/connections/{connection_id}", f"/connections/{connection_id}"
    page = (await editor.get(f"{base}/settings")).text
    boxes = re.findall(r'name="objects" value="([^"]+)"( checked)?', page)
    assert {ticked for _, ticked in boxes} == {" checked"}
    assert ("Lots and serial numbers <code>stock.lot</code>" in page, "Read as asset" in page) == (True, True)
    two = ["stock.lot", "stock.location"]
    assert (await editor.send(f"{base}/reading", {"objects": two})).status_code == 303
    assert sorted((await world.call("GET", path)).json()["objects"]) == sorted(two)
    page = (await editor.get(f"{base}/settings")).text
    assert len(re.findall(r'name="objects" value="[^"]+" checked', page)) == len(two)
    (noted, *_) = (await world.call("GET", f"/audit-log?connection_id={connection_id}")).json()["data"]
    assert (noted["actor"], noted["before"]["objects"], sorted(noted["after"]["objects"])) == (
        "Ada",
        None,
        sorted(two),
    )
    assert (await world.outbox("connections"))[-1]["objects"] is not None
    await editor.send(f"{base}/reading", {"objects": [name for name, _ in boxes]})
    assert (await world.call("GET", path)).json()["objects"] is None, "all, later ones too"


async def test_at_least_one_object_is_read(editor: Reader, world: World, connection_id: str) -> None:
    answer = await editor.send(f"/console/connections/{connection_id}/reading", {})
    assert (answer.status_code, "Choose at least one." in answer.text) == (422, True)
    assert (await world.call("GET", f"/connections/{connection_id}")).json()["objects"] is None
