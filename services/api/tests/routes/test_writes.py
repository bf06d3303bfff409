from datetime import timedelta
from typing import Any

import httpx
import pytest

from lineshaft.api.routes import writes
from lineshaft.common.clock import now
from lineshaft.common.events.commands import CommandProblem
from lineshaft.common.events.health import Breaker, ScopeStatus
from lineshaft.common.outcomes import ConnectionStatus, Outcome
from lineshaft.common.unified import entity_id

from .conftest import World

pytestmark = pytest.mark.integration

VENDOR = {"name": "Bolts & Co"}


async def ask(world: World, token: str, body: dict[str, Any] | None = None, *, once: str = "") -> Any:
    headers = {"Idempotency-Key": once} if once else {}
    return await world.call("POST", "/vendors", VENDOR if body is None else body, key=token, **headers)


async def last_command(world: World) -> dict[str, Any]:
    return (await world.outbox("commands.connector"))[-1]


async def test_a_slow_write_is_an_operation(world: World) -> None:
    connection_id, token = await world.connect()
    answer = await ask(world, token)
    assert answer.status_code == 202
    operation = answer.json()
    assert operation["status"] == "pending"
    assert answer.headers["location"] == f"/v1/operations/{operation['id']}"
    command = await last_command(world)
    assert command["object"] == "party.party"
    assert command["operation"] == "create"
    assert command["values"] == {"name": "Bolts & Co"}

    await world.answer(operation["id"], result={"source_id": "77", "values": {}}, connection_id=connection_id)
    done = (await world.call("GET", f"/operations/{operation['id']}", key=token)).json()
    assert done["status"] == "succeeded"
    assert done["data"]["id"] == entity_id(connection_id, "vendor", "77")
    assert done["data"]["name"] == "Bolts & Co"
    sync = (await world.outbox("sync.requests"))[-1]
    assert (sync["connection_id"], sync["entities"]) == (connection_id, ["vendor"])


async def test_what_was_just_created_can_be_changed_before_it_is_stored(world: World) -> None:
    connection_id, token = await world.connect()
    operation = (await ask(world, token)).json()["id"]
    await world.answer(operation, result={"source_id": "77", "values": {}}, connection_id=connection_id)
    created = entity_id(connection_id, "vendor", "77")
    answer = await world.call("PATCH", f"/vendors/{created}", {"name": "Bolts"}, key=token)
    assert answer.status_code == 202, answer.text
    assert (await last_command(world))["source_id"] == "77"
    other = entity_id(connection_id, "vendor", "78")
    for key, path in ((token, f"/vendors/{other}"), (token, f"/items/{created}")):
        assert (await world.call("PATCH", path, {"name": "Bolts"}, key=key)).status_code == 404
    _, stranger = await world.connect()
    answer = await world.call("PATCH", f"/vendors/{created}", {"name": "Bolts"}, key=stranger)
    assert answer.status_code == 404


async def test_what_is_stored_between_the_two_look_ups_can_be_changed_and_what_is_deleted_can_not(
    world: World,
) -> None:
    connection_id, token = await world.connect()
    operation = (await ask(world, token)).json()["id"]
    await world.answer(operation, result={"source_id": "79", "values": {}}, connection_id=connection_id)
    await world.store(connection_id, "vendor", [{"id": 79, "name": "Bolts & Co"}])
    created = entity_id(connection_id, "vendor", "79")
    assert await writes._just_created(world.context, connection_id, "vendor", created) == "79"
    await world.pools["mapping"].execute(
        "update record set deleted_at = now() where connection_id = $1 and id = $2", connection_id, created
    )
    assert await writes._just_created(world.context, connection_id, "vendor", created) is None


async def test_an_operation_is_its_connections_own(world: World) -> None:
    _, token = await world.connect()
    _, other = await world.connect()
    operation = (await ask(world, token)).json()["id"]
    assert (await world.call("GET", f"/operations/{operation}", key=other)).status_code == 404
    assert (await world.call("GET", f"/operations/{operation}")).status_code == 200
    assert (await world.call("GET", "/operations/op_nothing")).status_code == 404


async def test_the_same_idempotency_key_is_written_once(world: World) -> None:
    connection_id, token = await world.connect()
    key = "order-1"
    first = (await ask(world, token, once=key)).json()["id"]
    count = len(await world.outbox("commands.connector"))
    assert (await ask(world, token, once=key)).json()["id"] == first
    assert len(await world.outbox("commands.connector")) == count
    other = await ask(world, token, {"name": "Nuts Ltd"}, once=key)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")
    await world.answer(
        first, result={"source_id": "78", "values": {"name": "BOLTS"}}, connection_id=connection_id
    )
    again = await ask(world, token, once=key)
    assert (again.status_code, again.json()["source_id"]) == (201, "78")
    assert again.json()["name"] == "BOLTS"
    _, other_token = await world.connect()
    assert (await ask(world, other_token, once=key)).status_code == 202


@pytest.mark.parametrize(
    ("told", "status", "code"),
    [
        (
            CommandProblem(code="x", message="m", outcome=Outcome.CREDENTIALS_REJECTED),
            409,
            "reauthorization_required",
        ),
        (CommandProblem(code="x", message="m", outcome=Outcome.UNREACHABLE), 503, "connection_unavailable"),
        (CommandProblem(code="x", message="m", outcome=Outcome.RATE_LIMITED), 429, "rate_limited"),
        (CommandProblem(code="x", message="m", outcome=Outcome.PERMISSION_DENIED), 422, "source_rejected"),
        (CommandProblem(code="conflict", message="m"), 409, "conflict"),
    ],
)
async def test_the_sources_answer_becomes_a_problem(
    world: World, told: CommandProblem, status: int, code: str
) -> None:
    connection_id, token = await world.connect()
    operation = (await ask(world, token, once="k")).json()["id"]
    await world.answer(operation, problem=told, connection_id=connection_id)
    answer = await ask(world, token, once="k")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["connection_id"] == connection_id
    assert ("retry-after" in answer.headers) == (status in {429, 503})
    shown = (await world.call("GET", f"/operations/{operation}", key=token)).json()
    assert (shown["status"], shown["problem"]["code"]) == ("failed", code)


async def test_the_sources_field_is_named_as_in_the_unified_model(world: World) -> None:
    connection_id, token = await world.connect()
    operation = (await ask(world, token, once="k")).json()["id"]
    told = CommandProblem(
        code="source_rejected", message="too long", outcome=Outcome.INVALID_REQUEST, field="name"
    )
    await world.answer(operation, problem=told, connection_id=connection_id)
    answer = await ask(world, token, once="k")
    assert answer.json()["errors"] == [{"field": "name", "source_field": "name", "message": "too long"}]


async def test_the_sources_field_is_named_as_the_custom_field_that_was_written(world: World) -> None:
    connection_id, token = await world.connect()
    changed = {"custom_fields": {"class": {"path": "x_class"}, "plant": {"path": "x_plant"}}}
    await world.call("PUT", f"/connections/{connection_id}/mappings/vendor", changed)
    values = VENDOR | {"custom_fields": {"class": "P1", "plant": "7"}}
    operation = (await ask(world, token, values, once="k")).json()["id"]
    told = CommandProblem(
        code="source_rejected", message="no such", outcome=Outcome.INVALID_REQUEST, field="x_plant"
    )
    await world.answer(operation, problem=told, connection_id=connection_id)
    (error,) = (await ask(world, token, values, once="k")).json()["errors"]
    assert (error["field"], error["source_field"]) == ("custom_fields.plant", "x_plant")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"nmae": "x"}, "nmae"),
        ({"id": "x"}, "id"),
        ({"custom_fields": {"none": 1}}, "custom_fields.none"),
        ({"custom_fields": [1]}, "custom_fields"),
        ({"custom_fields": "x"}, "custom_fields"),
    ],
)
async def test_a_wrong_field_is_named(world: World, body: dict[str, Any], field: str) -> None:
    _, token = await world.connect()
    answer = await ask(world, token, body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == field
    for nothing in ({}, {"custom_fields": {}}, {"custom_fields": None}):
        assert (await ask(world, token, nothing)).status_code == 422


async def send(world: World, token: str, path: str, content: bytes) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    return await world.http.post(f"/v1{path}", content=content, headers=headers)


async def test_numbers_keep_all_of_their_digits_on_the_way_to_the_source(world: World) -> None:
    connection_id, token = await world.connect()
    changed = {"fields": {"name": "name"}, "custom_fields": {"weight": {"path": "weight", "type": "decimal"}}}
    await world.call("PUT", f"/connections/{connection_id}/mappings/vendor", changed)
    body = b'{"name": 123456789012345678901, "custom_fields": {"weight": 12345678901234567890.0123456789}}'
    for path, content in (("/vendors", body), ("/vendors/bulk", b'{"items": [{"values": ' + body + b"}]}")):
        answer = await send(world, token, path, content)
        assert answer.status_code in {202, 207}, answer.text
        assert (await last_command(world))["values"] == {
            "name": "123456789012345678901",
            "weight": "12345678901234567890.0123456789",
        }


@pytest.mark.parametrize(
    "content", [b'{"name": "\\ud800"}', b'{"name": NaN}', b'{"name": 1e400}', b"{", b"\xff", b"[" * 10_000]
)
async def test_what_is_no_json_is_refused(world: World, content: bytes) -> None:
    _, token = await world.connect()
    for path in ("/vendors", "/vendors/bulk"):
        answer = await send(world, token, path, content)
        assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed"), answer.text


async def test_writes_wait_for_reauthorization(world: World) -> None:
    connection_id, token = await world.connect()
    await world.set_status(connection_id, ConnectionStatus.REAUTHORIZATION_REQUIRED)
    answer = await ask(world, token)
    assert (answer.status_code, answer.json()["code"]) == (409, "reauthorization_required")
    sync = await world.call("POST", f"/connections/{connection_id}/syncs", {})
    assert (sync.status_code, sync.json()["code"]) == (409, "reauthorization_required")


async def test_writes_wait_for_the_breaker(world: World) -> None:
    connection_id, token = await world.connect()
    breaker = Breaker(state="open", retry_at=now() + timedelta(seconds=90))
    await world.set_status(connection_id, ConnectionStatus.UNREACHABLE, breaker=breaker)
    answer = await ask(world, token)
    assert (answer.status_code, answer.json()["code"]) == (503, "connection_unavailable")
    assert 80 <= int(answer.headers["retry-after"]) <= 90


async def test_writes_wait_while_the_source_asks_for_fewer_requests(world: World) -> None:
    connection_id, token = await world.connect()
    until = now() + timedelta(seconds=20)
    limited = ScopeStatus(
        object="party.party", status=ConnectionStatus.HEALTHY, writable=False, writes_not_before=until
    )
    await world.set_status(connection_id, ConnectionStatus.RATE_LIMITED, objects=[limited])
    answer = await ask(world, token)
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert 10 <= int(answer.headers["retry-after"]) <= 20


async def test_a_change_needs_its_record(world: World) -> None:
    connection_id, token = await world.connect()
    (document,) = await world.store(connection_id, "vendor", [{"id": 5, "name": "Old"}])
    missing = await world.call("PATCH", "/vendors/nothing", VENDOR, key=token)
    assert missing.status_code == 404
    answer = await world.call("PATCH", f"/vendors/{document['id']}", VENDOR, key=token)
    assert answer.status_code == 202
    command = await last_command(world)
    assert (command["operation"], command["source_id"]) == ("update", "5")


async def test_an_entity_that_the_system_has_not(world: World) -> None:
    _, token = await world.connect()
    answer = await world.call("POST", "/meters", {"name": "x"}, key=token)
    assert (answer.status_code, answer.json()["code"]) == (422, "not_supported")
    assert "it has " in answer.json()["detail"]


async def test_a_deletion_is_a_command_and_ends_without_a_body(world: World) -> None:
    connection_id, token = await world.connect()
    (document,) = await world.store(connection_id, "vendor", [{"id": 5, "name": "Old"}])
    path, once = f"/vendors/{document['id']}", {"Idempotency-Key": "gone"}
    operation = (await world.call("DELETE", path, key=token, **once)).json()
    command = await last_command(world)
    assert (command["operation"], command["source_id"], command["values"]) == ("delete", "5", {})
    await world.answer(operation["id"], result={"source_id": "5"}, connection_id=connection_id)
    again = await world.call("DELETE", path, key=token, **once)
    assert (again.status_code, again.content) == (204, b"")
    await world.pools["mapping"].execute("update record set deleted_at = now() where id = $1", document["id"])
    later = await world.call("DELETE", path, key=token, **once)
    assert later.status_code == 204, "the same answer, though the record is no longer there"
    assert (await world.call("DELETE", path, key=token)).status_code == 404
    refused = await world.call("DELETE", f"/items/{document['id']}", key=token)
    assert refused.status_code == 404


async def test_a_reference_by_id_or_by_the_sources_key(world: World) -> None:
    connection_id, token = await world.connect()
    (vendor,) = await world.store(connection_id, "vendor", [{"id": 5, "name": "Old"}])
    for reference in ({"id": vendor["id"]}, {"source_id": "5"}):
        answer = await world.call("POST", "/purchase-orders", {"vendor": reference}, key=token)
        assert answer.status_code == 202, answer.text
        assert (await last_command(world))["values"] == {"party": 5}
    missing = await world.call("POST", "/purchase-orders", {"vendor": {"id": "none"}}, key=token)
    assert (missing.status_code, missing.json()["errors"][0]["field"]) == (422, "vendor")
    for unfit in (["x"], {"x": 1}, 5):
        values = {"vendor": {"id": vendor["id"]}, "ship_to": {"id": unfit}}
        answer = await world.call("POST", "/purchase-orders", values, key=token)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "ship_to"), answer.text


async def test_an_outcome_that_nobody_knows_is_told_without_an_invitation_to_send_again(world: World) -> None:
    connection_id, token = await world.connect()
    operation = (await ask(world, token, once="k")).json()["id"]
    told = CommandProblem(code="outcome_unknown", message="It is not known whether it was written.")
    await world.answer(operation, problem=told, connection_id=connection_id)
    answer = await ask(world, token, once="k")
    assert (answer.status_code, answer.json()["code"]) == (504, "outcome_unknown")
    assert "retry-after" not in answer.headers
    shown = (await world.call("GET", f"/operations/{operation}", key=token)).json()
    assert shown["status"] == "unknown"


async def test_an_attempt_that_never_reached_the_source_may_be_made_again_with_its_key(world: World) -> None:
    connection_id, token = await world.connect()
    first = (await ask(world, token, once="k")).json()["id"]
    told = CommandProblem(code="connection_unavailable", message="m", outcome=Outcome.UNREACHABLE)
    await world.answer(first, problem=told, connection_id=connection_id)
    second = await ask(world, token, once="k")
    assert second.status_code == 202
    assert second.json()["id"] != first


async def test_a_change_has_the_revision_of_its_content(world: World) -> None:
    connection_id, token = await world.connect()
    record = {"id": 5, "name": "Old", "active": True}
    (stored,) = await world.store(connection_id, "vendor", [record])
    path = f"/vendors/{stored['id']}"

    async def change(read_back: dict[str, Any]) -> dict[str, Any]:
        operation = (await world.call("PATCH", path, VENDOR, key=token)).json()["id"]
        result = {"source_id": "5", "record": read_back}
        await world.answer(operation, result=result, connection_id=connection_id)
        data: dict[str, Any] = (await world.call("GET", f"/operations/{operation}", key=token)).json()["data"]
        return data

    new = await change(record | VENDOR)
    assert (new["name"], new["revision"]) == ("Bolts & Co", 2), "the next one, until it is stored"
    same = await change(record)
    assert (same["name"], same["revision"]) == ("Old", 1), "nothing has changed"
    await world.pools["mapping"].execute(
        "update record set revision = 7, document = $2 where id = $1", stored["id"], new
    )
    assert (await change(record | VENDOR))["revision"] == 7, "it is stored"


async def test_the_answer_is_the_record_that_the_source_stored(world: World) -> None:
    connection_id, token = await world.connect()
    operation = (await ask(world, token)).json()["id"]
    before = len(await world.outbox("sync.requests"))
    record = {"id": 79, "name": "Bolts & Co", "code": "V-79", "active": True}
    await world.answer(operation, result={"source_id": "79", "record": record}, connection_id=connection_id)
    data = (await world.call("GET", f"/operations/{operation}", key=token)).json()["data"]
    assert (data["number"], data["active"], data["source_id"]) == ("V-79", True, "79")
    assert len(await world.outbox("sync.requests")) == before
