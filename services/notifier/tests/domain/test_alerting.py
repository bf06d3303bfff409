"""Who is told of what, and when; the clock is an argument."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineshaft.common.events.alerts import QuietHours
from lineshaft.notifier.domain.alerting import HELD, Channel, quiet_until, slot

NIGHT = QuietHours.model_validate({"begin": "22:00", "end": "06:00", "timezone": "Europe/Berlin"})
LUNCH = QuietHours.model_validate({"begin": "12:00", "end": "13:00", "timezone": "UTC"})
RECOVERED = "connection.recovered"
URGENT = "connection.reauthorization_required"


def channel(**changes: Any) -> Channel:
    fields: dict[str, Any] = {
        "channel_id": "alc_1",
        "event_types": frozenset({RECOVERED, URGENT}),
        "urgent": frozenset({URGENT}),
        "systems": frozenset(),
        "connection_ids": frozenset(),
        "metadata": {},
        "quiet_hours": None,
        "group_seconds": 30.0,
    }
    return Channel(**fields | changes)


@pytest.mark.parametrize(
    ("choice", "wanted"),
    [
        ({}, True),
        ({"event_types": frozenset({URGENT})}, False),
        ({"systems": frozenset({"tryton"})}, True),
        ({"systems": frozenset({"odoo"})}, False),
        ({"connection_ids": frozenset({"con_1", "con_2"})}, True),
        ({"connection_ids": frozenset({"con_2"})}, False),
        ({"metadata": {"region": "emea"}}, True),
        ({"metadata": {"region": "emea", "tier": "gold"}}, False),
        ({"metadata": {"region": "apac"}}, False),
    ],
)
def test_routes(choice: dict[str, Any], wanted: bool) -> None:  # noqa: FBT001
    data = {"system": "tryton", "metadata": {"region": "emea", "customer": 7}}
    assert channel(**choice).wants(RECOVERED, ["con_1"], data) is wanted


def test_an_outage_of_our_own_network_is_told_whichever_systems_were_chosen() -> None:
    chosen = channel(systems=frozenset({"odoo"}), event_types=frozenset({"system.outage"}))
    assert chosen.wants("system.outage", ["con_1"], {"system": ""})
    assert not chosen.wants("system.outage", ["con_1"], {"system": "tryton"})


@pytest.mark.parametrize(
    ("hours", "moment", "end"),
    [
        (NIGHT, "2026-11-24T21:30:00+00:00", "2026-11-25T05:00:00+00:00"),
        (NIGHT, "2026-11-25T04:59:59+00:00", "2026-11-25T05:00:00+00:00"),
        (NIGHT, "2026-11-25T05:00:00+00:00", None),
        (NIGHT, "2026-11-25T20:59:59+00:00", None),
        (NIGHT, "2026-10-25T00:30:00+00:00", "2026-10-25T05:00:00+00:00"),  # the hour comes twice in Berlin
        (NIGHT, "2026-03-29T00:30:00+00:00", "2026-03-29T04:00:00+00:00"),  # an hour is left out
        (LUNCH, "2026-11-24T12:00:00+00:00", "2026-11-24T13:00:00+00:00"),
        (LUNCH, "2026-11-24T13:00:00+00:00", None),
    ],
)
def test_quiet_hours_end_in_their_own_zone(hours: QuietHours, moment: str, end: str | None) -> None:
    found = quiet_until(hours, datetime.fromisoformat(moment))
    assert found == (datetime.fromisoformat(end) if end else None)


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)))  # noqa: DTZ001  made aware below
def test_what_is_held_comes_within_a_night_and_not_in_one(moment: datetime) -> None:
    now = moment.replace(tzinfo=UTC)
    found = slot(channel(quiet_hours=NIGHT), RECOVERED, "evt_1", now)
    assert now + timedelta(seconds=30) <= found.due_at <= now + timedelta(hours=9, minutes=1)
    assert quiet_until(NIGHT, found.due_at) is None
    assert (found.group_key == HELD) is (quiet_until(NIGHT, now + timedelta(seconds=30)) is not None)


def test_urgent_events_pass_and_what_is_not_grouped_comes_alone() -> None:
    night = datetime(2026, 11, 24, 23, tzinfo=UTC)
    assert slot(channel(quiet_hours=NIGHT), URGENT, "evt_1", night).due_at == night + timedelta(seconds=30)
    alone = slot(channel(group_seconds=0), RECOVERED, "evt_1", night)
    assert (alone.group_key, alone.due_at) == ("evt_1", night)
