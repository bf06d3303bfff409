"""What a customer adds to their database at run time becomes part of the stream; what they change is told."""

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest

from lineshaft.tools.demo.kafka_client import consume, publish_sync_request
from lineshaft.tools.demo.receiver import WebhookReceiver
from lineshaft.tools.demo.vendor import Vendor, wait_until
from lineshaft.tools.stack.layout import Layout
from lineshaft.tools.stack.postgresql_source import PostgresqlSource
from lineshaft.tools.stack.progress import Progress
from lineshaft.tools.stack.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.integration, pytest.mark.timeout(180)]

SECONDS = 40.0
LONG = "12345678901234567.89"
"""More digits than a float keeps."""


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    layout = Layout.discover(f"custom-e2e-{os.getpid()}")
    with Stack(layout, source="postgresql", durable=False, progress=Progress(quiet=True)) as stack:
        yield stack


@pytest.fixture(scope="module")
def plant(stack: Stack) -> PostgresqlSource:
    assert isinstance(stack.source, PostgresqlSource)
    return stack.source


@pytest.fixture(scope="module")
def customer(vendor: Vendor, plant: PostgresqlSource) -> tuple[str, str]:
    connection_id, token = vendor.connect("postgresql", plant.connection_fields)
    wait_until("the first sync", lambda: completed(vendor, connection_id), SECONDS)
    return connection_id, token


def completed(vendor: Vendor, connection_id: str) -> list[dict[str, Any]]:
    syncs = vendor.get(f"/connections/{connection_id}/syncs")["data"]
    return [one for one in syncs if one["completed_at"]]


def test_a_table_made_after_connecting_is_requested_read_and_consumed(
    stack: Stack, vendor: Vendor, plant: PostgresqlSource, customer: tuple[str, str]
) -> None:
    connection_id, token = customer
    plant.execute(
        "create table lubrication_points"
        " (point_no text primary key, grease text, grams numeric(8, 2), due_on date, changed timestamptz,"
        " counter numeric(40, 2), measured jsonb)",
        "insert into lubrication_points values ('LP-1', 'EP 2', 12.50, '2026-12-01', now(),"
        f" {LONG}, '{{\"load\": {LONG}}}'), ('LP-2', null, 7, null, now(), null, null)",
        f"grant select on lubrication_points to {plant.username}",
    )
    looked = vendor.post(f"/connections/{connection_id}/schema/refresh", {"objects": ["lubrication_points"]})
    fields = {one["name"]: one for one in looked["data"][0]["fields"]}
    assert set(fields) == {"point_no", "grease", "grams", "due_on", "changed", "counter", "measured"}
    assert not any(one["mapped"] for one in fields.values())

    order = {
        "name": "lubrication_point",
        "object": "lubrication_points",
        "key": ["point_no"],
        "cursor": "changed",
    }
    made = vendor.post(f"/connections/{connection_id}/objects", order)
    assert made["entity"] == "custom:lubrication_point"
    assert made["fields"]["grams"] == {"path": "grams", "type": "decimal", "label": "grams"}
    assert made["json_schema"]["properties"]["due_on"]["format"] == "date"

    def read() -> list[dict[str, Any]]:
        data: list[dict[str, Any]] = vendor.get("/objects/lubrication_point", token=token)["data"]
        return data

    wait_until("its records", lambda: len(read()) == 2, SECONDS)
    by_key = {one["source_id"]: one for one in read()}
    first = by_key["LP-1"]
    assert (first["entity"], first["object"]) == ("custom", "lubrication_point")
    assert first["custom_fields"]["grams"] == "12.50"
    assert first["custom_fields"]["due_on"] == "2026-12-01"
    assert first["custom_fields"]["counter"] == LONG
    assert first["custom_fields"]["measured"] == {"load": LONG}
    assert by_key["LP-2"]["custom_fields"]["grease"] is None
    one = vendor.call("GET", f"/objects/lubrication_point/{first['id']}?include=raw", token=token)
    assert one.json()["raw"]["point_no"] == "LP-1"
    assert f'"load": {LONG}' in one.text

    events = consume(
        stack.kafka.bootstrap_servers,
        ["lineshaft.entities.custom"],
        until=lambda seen: len(seen) >= 2,
        seconds=SECONDS,
    )
    assert {(one["object"], one["source_id"]) for one in events} == {
        ("lubrication_point", "LP-1"),
        ("lubrication_point", "LP-2"),
    }
    assert {"load": LONG} in [one["custom_fields"]["measured"] for one in events]

    plant.execute("update lubrication_points set grease = 'LGMT 3', changed = now() where point_no = 'LP-2'")
    publish_sync_request(
        stack.kafka.bootstrap_servers,
        "lineshaft.",
        {"connection_id": connection_id, "entities": ["custom:lubrication_point"]},
    )
    wait_until(
        "the change", lambda: any(one["custom_fields"]["grease"] == "LGMT 3" for one in read()), SECONDS
    )


def test_a_name_in_use_an_unknown_table_and_an_unknown_field_are_named(
    vendor: Vendor, customer: tuple[str, str]
) -> None:
    path = f"/connections/{customer[0]}/objects"
    base = {"name": "lubrication_point", "object": "lubrication_points", "key": ["point_no"]}
    assert vendor.call("POST", path, base).status_code == 409
    answer = vendor.call("POST", path, {**base, "name": "other", "object": "no_such_table"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "object"), answer.text
    answer = vendor.call("POST", path, {**base, "name": "other", "key": ["nope"]})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "key"), answer.text
    assert "point_no" in answer.json()["detail"]


def test_a_column_added_at_run_time_is_mapped_and_filled(
    vendor: Vendor, plant: PostgresqlSource, customer: tuple[str, str]
) -> None:
    connection_id, token = customer
    plant.execute(
        "alter table assets add column x_abc text",
        "update assets set x_abc = 'A'",
    )
    mapping = {"custom_fields": {"abc": {"path": "x_abc", "type": "string", "label": "ABC class"}}}
    started = time.monotonic()
    vendor.put(f"/connections/{connection_id}/mappings/asset", mapping)
    assert "abc" in vendor.get("/assets?limit=1", token=token)["data"][0]["custom_fields"]
    assert time.monotonic() - started < 5
    wait_until(
        "its values, read from the source anew",
        lambda: vendor.get("/assets?limit=1", token=token)["data"][0]["custom_fields"]["abc"] == "A",
        SECONDS,
    )
    schema = vendor.get(f"/connections/{connection_id}/schema?object=assets")["data"][0]
    (field,) = [one for one in schema["fields"] if one["name"] == "x_abc"]
    assert (field["mapped"], field["samples"]) == (False, ["A"])


def test_what_the_source_changes_is_told_where_it_hurts_and_goes_on_once_it_is_accepted(
    vendor: Vendor, plant: PostgresqlSource, customer: tuple[str, str], receiver: WebhookReceiver
) -> None:
    connection_id, token = customer
    receiver.secret = vendor.post(
        "/webhook-endpoints", {"url": receiver.url, "event_types": ["mapping.drifted"]}
    )["secret"]

    def told() -> list[dict[str, Any]]:
        data = [one.body["data"] for one in receiver.deliveries if one.connection_id == connection_id]
        return [one for one in data if one["changes"][0]["field"] != "x_abc"]

    before = vendor.get("/assets?limit=1", token=token)["data"][0]
    assert before["asset_class"]
    plant.execute("alter table assets rename column class to asset_class")
    vendor.post(f"/connections/{connection_id}/syncs", {"objects": ["assets"]})
    (drifted,) = wait_until("the webhook", told, SECONDS)
    assert (drifted["object"], drifted["held"], drifted["move"]) == ("assets", True, "vendor")
    (entity,) = drifted["entities"]
    assert [(one["field"], one["source_field"], one["renamed_to"]) for one in entity["fields"]] == [
        ("asset_class", "class", "asset_class")
    ]
    kinds = [one["kind"] for one in vendor.get(f"/connections/{connection_id}/timeline")["data"]]
    assert "mapping.drifted" in kinds
    health = vendor.get(f"/connections/{connection_id}/mappings/asset/health")
    assert [one["field"] for one in health["drift"]["fields"]] == ["asset_class"]
    assert vendor.get("/assets?limit=1", token=token)["data"][0]["asset_class"] == before["asset_class"]

    plant.execute("alter table assets alter column model type text")
    vendor.post(f"/connections/{connection_id}/schema/refresh", {"objects": ["assets"]})
    wait_until("the second webhook", lambda: len(told()) == 2, SECONDS)
    retyped = told()[1]["entities"][0]["fields"]
    assert [(one["field"], one["kind"]) for one in retyped] == [("model", "retyped")]

    changes = vendor.get(f"/connections/{connection_id}/schema/assets")["changes"]
    assert {"class", "asset_class", "model"} <= {one["field"] for one in changes}
    accepted = vendor.post(f"/connections/{connection_id}/schema/assets/accept")
    assert accepted == {"accepted": len(changes)}
    wait_until(
        "the read of all assets",
        lambda: vendor.get("/assets?limit=1", token=token)["data"][0]["asset_class"] is None,
        SECONDS,
    )
    of_assets = next(one for one in vendor.status(connection_id)["objects"] if one["object"] == "assets")
    assert of_assets["status"] == "healthy"
    drift = vendor.get(f"/connections/{connection_id}/mappings/asset/health")["drift"]
    assert (drift["held"], drift["fields"]) == (False, [])


def test_another_connections_token_does_not_see_it_and_a_removed_one_is_gone(
    stack: Stack, vendor: Vendor, plant: PostgresqlSource, customer: tuple[str, str]
) -> None:
    connection_id, token = customer
    _other, other_token = vendor.connect("postgresql", plant.connection_fields)
    assert vendor.call("GET", "/objects/lubrication_point", token=other_token).status_code == 404
    listed = vendor.get(f"/connections/{connection_id}/objects")["data"]
    assert [one["name"] for one in listed] == ["lubrication_point"]
    removed = vendor.call("DELETE", f"/connections/{connection_id}/objects/lubrication_point")
    assert removed.status_code == 204
    assert vendor.get(f"/connections/{connection_id}/objects")["data"] == []
    assert vendor.call("GET", "/objects/lubrication_point", token=token).status_code == 404
    assert vendor.call("DELETE", f"/connections/{connection_id}/objects/lubrication_point").status_code == 404

    def deleted(seen: list[dict[str, Any]]) -> set[str]:
        return {one["source_id"] for one in seen if one.get("deleted_at")}

    events = consume(
        stack.kafka.bootstrap_servers,
        ["lineshaft.entities.custom"],
        until=lambda seen: len(deleted(seen)) >= 2,
        seconds=SECONDS,
    )
    assert deleted(events) == {"LP-1", "LP-2"}


def test_an_object_over_a_listed_table_has_its_records_and_changes_none_of_the_others(
    vendor: Vendor, customer: tuple[str, str]
) -> None:
    connection_id, token = customer
    path = f"/connections/{connection_id}/objects"
    assets = {one["id"]: one["revision"] for one in vendor.get("/assets", token=token)["data"]}
    answer = vendor.call("POST", path, {"name": "lubrication_point", "object": "assets", "key": ["asset_no"]})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "key"), answer.text
    vendor.post(path, {"name": "lubrication_point", "object": "assets"})

    def read() -> list[dict[str, Any]]:
        data: list[dict[str, Any]] = vendor.get("/objects/lubrication_point", token=token)["data"]
        return data

    wait_until("its records", lambda: len(read()) == len(assets), SECONDS)
    assert {one["id"]: one["revision"] for one in vendor.get("/assets", token=token)["data"]} == assets
