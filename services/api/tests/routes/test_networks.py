"""What an operator sets of the way to a source."""

import base64
import ssl
from typing import Any

import certifi
import pytest

from .conftest import World

pytestmark = pytest.mark.integration

PROXY = "http://user:of%20the%20proxy@proxy.example.com:3128"


def an_authority() -> str:
    context = ssl.create_default_context(cafile=certifi.where())
    der = context.get_ca_certs(binary_form=True)[0]
    return ssl.DER_cert_to_PEM_cert(der)


async def test_it_is_set_shown_without_its_password_and_taken_away(world: World) -> None:
    connection_id, token = await world.connect()
    path = f"/connections/{connection_id}/network"
    assert (await world.call("GET", path)).json()["proxy"] is None
    given = {"proxy_url": PROXY, "ca_certificate": an_authority(), "requests_per_minute": 30}
    shown = (await world.call("PUT", path, given)).json()
    assert shown["proxy"] == "http://proxy.example.com:3128"
    assert shown["ca_certificate"] == given["ca_certificate"]
    assert (shown["requests_per_minute"], shown["changed_at"] is None) == (30, False)
    row = await world.pools["connector"].fetchrow(
        "select * from network where connection_id = $1", connection_id
    )
    assert row is not None
    bound_to = f"network/{connection_id}/{row['network_id']}"
    assert world.context.keys.open(row["sealed"], bound_to=bound_to).decode() == PROXY
    told = await world.call("GET", f"/audit-log?action=connection.network_set&connection_id={connection_id}")
    assert told.json()["data"][0]["after"]["proxy"] == "http://proxy.example.com:3128"
    for text in (str(shown), told.text, str(await world.outbox("connections"))):
        assert "of%20the" not in text
    assert (await world.call("PUT", path, {})).json()["proxy"] is None
    assert (await world.call("PUT", path, {}, key=token)).status_code == 403


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"proxy_url": "socks5://proxy.example.com"}, "proxy_url"),
        ({"proxy_url": "http://proxy.example.com/path"}, "proxy_url"),
        ({"ca_certificate": base64.b64encode(b"no certificate").decode()}, "ca_certificate"),
        ({"ca_certificate": "\u00ab"}, "ca_certificate"),
        ({"requests_per_minute": 0}, "requests_per_minute"),
        ({"requests_per_minute": "7"}, "requests_per_minute"),
        ({"proxy": PROXY}, "proxy"),
        ({"private_networks": ["127.0.0.0/8"]}, "private_networks.0"),
        ({"private_networks": ["10.1.0.0/16", "0.0.0.0/0"]}, "private_networks.1"),
    ],
)
async def test_what_does_not_fit_is_named(world: World, given: dict[str, Any], field: str) -> None:
    connection_id, _ = await world.connect()
    answer = await world.call("PUT", f"/connections/{connection_id}/network", given)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


async def test_a_new_connection_has_its_way_before_the_customer_comes(world: World) -> None:
    body = {"system": "tryton", "network": {"proxy_url": PROXY}}
    made = (await world.call("POST", "/link-sessions", body)).json()
    stored = await world.pools["connector"].fetchval(
        "select proxy from network where connection_id = $1", made["connection_id"]
    )
    assert stored == "http://proxy.example.com:3128"
    narrow = (await world.call("POST", "/admin-keys", {"name": "onboarding", "scopes": ["connect"]})).json()
    assert (await world.call("POST", "/link-sessions", body, key=narrow["key"])).status_code == 403
    database = await world.call("POST", "/link-sessions", body | {"system": "postgresql"})
    assert database.json()["code"] == "not_supported"
    inside = {
        "system": "postgresql",
        "network": {
            "private_networks": ["10.20.0.7", "192.168.7.0/24"],
            "ca_certificate": an_authority(),
        },
    }
    made = (await world.call("POST", "/link-sessions", inside)).json()
    kept = await world.pools["connector"].fetchval(
        "select private_networks from network where connection_id = $1", made["connection_id"]
    )
    assert kept == ["10.20.0.7/32", "192.168.7.0/24"]
    connection_id, _ = await world.connect()
    again = {"connection_id": connection_id, "network": {"requests_per_minute": 7}}
    refused = await world.call("POST", "/link-sessions", again)
    assert (refused.status_code, "PUT /v1/connections" in refused.json()["detail"]) == (422, True)
