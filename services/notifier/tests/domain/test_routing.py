import json
from datetime import UTC, datetime

import pytest

from lineshaft.notifier.domain.body import body
from lineshaft.notifier.domain.routing import Endpoint, webhook_type


@pytest.mark.parametrize(
    ("types", "connections", "wanted"),
    [
        ([], [], True),
        (["connection.recovered"], [], True),
        (["sync.failed"], [], False),
        ([], ["con_1"], True),
        ([], ["con_2"], False),
        (["connection.recovered"], ["con_2"], False),
    ],
)
def test_empty_choices_mean_all(types: list[str], connections: list[str], *, wanted: bool) -> None:
    endpoint = Endpoint("whe_1", frozenset(types), frozenset(connections))
    assert endpoint.wants("connection.recovered", ["con_1"]) == wanted


def test_an_event_about_several_connections_goes_to_who_chose_one_of_them() -> None:
    endpoint = Endpoint("whe_1", frozenset(), frozenset(["con_2"]))
    assert endpoint.wants("system.outage", ["con_1", "con_2"])
    assert not endpoint.wants("system.outage", ["con_1"])
    assert not endpoint.wants("system.outage", [])


def test_a_receiver_sees_no_prefix() -> None:
    assert webhook_type("lineshaft.sync.completed") == "sync.completed"


def test_the_body_is_standard_webhooks() -> None:
    at = datetime(2026, 1, 5, 8, tzinfo=UTC)
    assert json.loads(body("sync.completed", at, {"sync_id": "syn_1"})) == {
        "type": "sync.completed",
        "timestamp": "2026-01-05T08:00:00Z",
        "data": {"sync_id": "syn_1"},
    }
    large = {"metadata": {"number": 2**70}}
    assert json.loads(body("sync.completed", at, large))["data"] == large
    linked = json.loads(body("connection.reauthorization_required", at, {"a": 1}, "https://x/y"))
    assert linked["data"] == {"a": 1, "reauthorize_url": "https://x/y"}
