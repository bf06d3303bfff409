"""The support bundle on real rows, with recognizable secrets wherever a customer could have put one."""

import io
import zipfile
from typing import Any
from urllib.parse import quote

import orjson
import pytest

from lineshaft.common.clock import now
from lineshaft.common.events.health import Breaker, Evidence, Verdict
from lineshaft.common.outcomes import ConnectionStatus, Fault, Move, Operation, Outcome, Scope
from tests.e2e.canaries import Canaries

from .conftest import CREDENTIALS, SETTINGS, World, insert
from .test_diagnoses import a_ladder

pytestmark = pytest.mark.integration

PASSWORD = "Canary-password/q+1&2%"
VALUE = "Canary-customers-own-value"


async def bundle_of(world: World, connection_id: str) -> dict[str, bytes]:
    answer = await world.call("GET", f"/connections/{connection_id}/support-bundle")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip"), answer.text
    assert f"lineshaft-{connection_id}-" in answer.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as bundle:
        return {name: bundle.read(name) for name in bundle.namelist()}


async def trouble(world: World, connection_id: str) -> dict[str, Any]:
    """A connection out of reach, with a history."""
    evidence = Evidence(
        event_id="evt_1",
        at=now(),
        outcome=Outcome.PERMISSION_DENIED,
        object="party.party",
        operation=Operation.WRITE,
        message=f"colour {VALUE} is not allowed",
    )
    verdict = Verdict(
        scope=Scope.ALL,
        fault=Fault.NETWORK,
        summary="Tryton is not reachable.",
        move=Move.CUSTOMER,
        action="Open TCP 443.",
        operations=[Operation.READ],
        evidence=[evidence],
    )
    await world.set_status(
        connection_id, ConnectionStatus.UNREACHABLE, verdict=verdict, breaker=Breaker(state="open")
    )
    ladder = a_ladder(connection_id)
    health = world.pools["health_monitor"]
    await insert(health, "ladder", connection_id=connection_id, document=ladder)
    await insert(
        health,
        "issue",
        issue_id=f"iss_{connection_id}",
        connection_id=connection_id,
        fault="network",
        status="open",
        scope="all",
        verdict=verdict.model_dump(mode="json"),
    )
    for number, (operation, message) in enumerate(
        [
            ("login", f"refused: password={PASSWORD}"),
            ("read", f"GET https://lineshaft:{PASSWORD}@erp.example.com/x failed"),
            ("read", f'invalid input syntax for type integer: "{VALUE}"'),
            ("write", f"the value {VALUE} of x_colour is not allowed"),
        ]
    ):
        await insert(
            health,
            "error_log",
            event_id=f"evt_{connection_id}_{number}",
            connection_id=connection_id,
            object="party.party",
            operation=operation,
            outcome="source_error",
            message=message,
            request_id=f"req_{number}",
        )
    await insert(
        health,
        "timeline",
        id=f"tln_{connection_id}",
        connection_id=connection_id,
        kind="breaker.forced_open",
        summary=f"maintenance, token: {PASSWORD}",
        actor="key_1",
        details={"reason": f"see https://u:{PASSWORD}@wiki.example.com"},
    )
    return ladder


async def test_it_holds_everything_and_tells_what_to_do_first(world: World) -> None:
    connection_id, _ = await world.connect()
    ladder = await trouble(world, connection_id)
    files = await bundle_of(world, connection_id)
    readme = files["README.txt"].decode()
    assert "What is wrong: Tryton is not reachable." in readme
    assert "stops at tcp" in readme
    parts = {name[:-5]: orjson.loads(body) for name, body in files.items() if name.endswith(".json")}
    both = {f"{name}.{kind}" for name in parts for kind in ("txt", "json")}
    assert both == set(files) - {"README.txt"}
    assert parts["connection"]["settings"] == SETTINGS | {"timezone": "UTC"}
    assert parts["status"]["breaker"]["state"] == "open"
    assert parts["status"]["affected"] == ["read everything"]
    assert parts["ladder"] == ladder
    assert [one["fault"] for one in parts["issues"]] == ["network"]
    assert {one["request_id"] for one in parts["errors"]} == {f"req_{number}" for number in range(4)}
    assert [one["actor"] for one in parts["timeline"]] == ["key_1"]
    assert parts["versions"]["lineshaft"]
    assert "request id: req_0" in files["errors.txt"].decode()


async def test_no_secret_and_no_value_of_a_customer_is_in_it(world: World) -> None:
    canaries = Canaries()
    for name, secret in {
        "password": PASSWORD,
        "value": VALUE,
        "metadata": (metadata := "Canary-metadata-of-the-vendor"),
        "admin key": world.admin_key,
    }.items():
        canaries.add(name, secret)
    page = await world.open_page(metadata={"token": metadata, "note": metadata})
    fields = {
        **CREDENTIALS,
        "base_url": "https://erp.example.com",
        "database": "plant",
        "password": PASSWORD,
    }
    command_id = await world.submit(page, fields)
    await world.answer(command_id, result=_verified())
    command = (await world.outbox("commands.connector"))[-1]
    connection_id = command["connection_id"]
    quoted = quote(PASSWORD, safe="")
    address = f"https://u:{quoted}@erp.example.com/x?key={quoted}"
    await world.context.pool.execute(
        "update connection set settings = jsonb_build_object('base_url', $2::text), label = $3"
        " where connection_id = $1",
        connection_id,
        address,
        f"Plant, password: {PASSWORD}",
    )
    canaries.add("connection token", await _token(world, page, command_id))
    await trouble(world, connection_id)
    colour = {"const": VALUE, "type": "string"}
    answer = await world.call(
        "PUT",
        f"/connections/{connection_id}/mappings/vendor",
        {"custom_fields": {"colour": colour}, "comment": f"api_key={PASSWORD}"},
    )
    assert answer.status_code == 200, answer.text
    files = await bundle_of(world, connection_id)
    assert b"erp.example.com" in files["connection.json"]
    assert orjson.loads(files["mappings.json"]), "a version with a comment is there"
    assert canaries.seen_in(files.items()) == []


async def test_who_may_have_it(world: World) -> None:
    connection_id, token = await world.connect()
    path = f"/connections/{connection_id}/support-bundle"
    assert (await world.call("GET", path, key=token)).status_code == 403
    assert (await world.call("GET", "/connections/con_none/support-bundle")).status_code == 404
    files = await bundle_of(world, connection_id)
    assert b"Nothing is known to be wrong." in files["README.txt"]


def _verified() -> dict[str, Any]:
    return {"account_id": "plant/9", "account_label": "x", "credential_version": 1, "credential_id": "c"}


async def _token(world: World, page: str, command_id: str) -> str:
    code = await world.code(page, command_id)
    answer = await world.call("POST", "/link-sessions/exchange", {"code": code})
    return str(answer.json()["token"])
