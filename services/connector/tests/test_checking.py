"""What is needed of a source, what it grants, and when credentials end: the connector's part."""

from datetime import UTC, datetime, timedelta

import pytest

from lineshaft.common.events.commands import Frequency, ScheduleRequested
from lineshaft.common.events.mappings import MappingChanged
from lineshaft.common.ids import new_id
from lineshaft.common.integrations.manifest import Credential, SourceObject, Write
from lineshaft.common.outcomes import Grant, NeededBy, Operation, Outcome, Rung, Verb
from lineshaft.connector.domain.access import expiry, permissions_of, wanted_of
from lineshaft.connector.domain.evidence import Evidence
from lineshaft.connector.domain.protocol import Need, Right
from lineshaft.connector.domain.schedules import Scheduled

from . import rig as fixtures
from .access import by_verb, check, checked
from .rig import OBJECTS, Rig, a_connection_id, an_event

pools, rig = fixtures.pools, fixtures.rig

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.integration
async def test_what_mapping_and_schedule_need_is_compared_with_what_is_granted(rig: Rig) -> None:
    connection_id = a_connection_id()
    await rig.authorize(connection_id)
    rig.plant.denied = {"purchase.purchase"}
    rig.plant.expires_at = NOON
    assert (await check(rig, connection_id))["problem"] is None
    (event,) = await checked(rig, connection_id)
    assert event["credential_version"] == 1
    assert datetime.fromisoformat(event["credentials_expire_at"]) == NOON
    found = by_verb(event)
    assert {name for name, verb in found if verb == "read"} == set(OBJECTS)
    assert found["party.party", "read"]["granted"] == "granted"
    assert found["party.party", "read"]["needed_by"] == ["mapping"]
    assert found["purchase.purchase", "read"]["granted"] == "denied"
    assert found["purchase.purchase", "create"]["needed_by"] == ["writes"]
    verified = await rig.calls(connection_id, "ok")
    assert [one["operation"] for one in verified] == ["verify", "verify"]
    assert rig.plant.reads == [], "nothing was read"


@pytest.mark.integration
async def test_a_new_schedule_asks_by_itself_and_needs_what_it_reads(rig: Rig) -> None:
    connection_id = a_connection_id()
    await rig.authorize(connection_id)
    command = ScheduleRequested(
        command_id=new_id("cmd"),
        connection_id=connection_id,
        frequency=Frequency(every_minutes=None),
        objects={"party.party": Frequency(every_minutes=60)},
        actor="ada",
    )
    await rig.ask(command)
    await rig.carry_out()
    (event,) = await checked(rig, connection_id)
    found = by_verb(event)
    assert found["party.party", "read"]["needed_by"] == ["mapping", "schedule"]
    assert found["stock.lot", "read"]["needed_by"] == ["mapping"]


@pytest.mark.integration
async def test_custom_objects_are_needed_too(rig: Rig) -> None:
    connection_id = a_connection_id()
    await rig.authorize(connection_id)
    changed = MappingChanged(
        connection_id=connection_id,
        system="tryton",
        entity="custom:inspections",
        object="plant.inspection",
        version=1,
        effective={"custom_fields": {"name": {"path": "name", "type": "string"}}},
        changed_at=NOON,
        changed_by="ada",
    )
    async with rig.pool.acquire() as tx, tx.transaction():
        await rig.handlers.on_mappings(tx, [an_event(changed, connection_id)])
    await check(rig, connection_id)
    assert ("plant.inspection", "read") in by_verb((await checked(rig, connection_id))[-1])


@pytest.mark.integration
async def test_a_source_that_does_not_tell_leaves_rights_unknown_and_nothing_failed(rig: Rig) -> None:
    connection_id = a_connection_id()
    await rig.authorize(connection_id)
    rig.plant.rights_failure = Evidence(Outcome.PERMISSION_DENIED, Operation.DESCRIBE, code="AccessError")
    await check(rig, connection_id)
    (event,) = await checked(rig, connection_id)
    assert {one["granted"] for one in event["permissions"]} == {"unknown"}
    assert await rig.calls(connection_id, "permission_denied") == []


@pytest.mark.integration
async def test_a_check_that_finds_the_credentials_refused_closes_the_gate(rig: Rig) -> None:
    connection_id = a_connection_id()
    await rig.authorize(connection_id)
    rig.plant.change_password("another")
    await check(rig, connection_id)
    assert len(await rig.calls(connection_id, "credentials_rejected")) == 1
    assert await rig.pool.fetchval("select rejected_version from gate") == 1
    logins = rig.plant.logins
    assert (await check(rig, connection_id))["problem"]["code"] == "reauthorization_required"
    assert rig.plant.logins == logins
    assert await checked(rig, connection_id) == []


@pytest.mark.integration
async def test_a_source_out_of_reach_is_told_and_grants_nothing_anew(rig: Rig) -> None:
    connection_id = a_connection_id()
    await rig.authorize(connection_id)
    rig.plant.rights_failure = Evidence(Outcome.UNREACHABLE, Operation.DESCRIBE, rung=Rung.TCP)
    await check(rig, connection_id)
    assert len(await rig.calls(connection_id, "unreachable")) == 1
    assert await checked(rig, connection_id) == []


def test_a_field_that_is_not_shown_and_was_read_before_is_denied() -> None:
    wanted = wanted_of(
        "parts", SourceObject(label="Parts"), ["number", "name"], scheduled=True, read_before=["name"]
    )
    (need,) = [one.need for one in wanted]
    (hidden,) = permissions_of(wanted, {need: Right(Grant.UNKNOWN, ("name",))})
    assert (hidden.granted, hidden.fields) == (Grant.DENIED, ["name"])
    (unsure,) = permissions_of(wanted, {need: Right(Grant.UNKNOWN, ("number",))})
    assert (unsure.granted, unsure.fields) == (Grant.UNKNOWN, ["number"])
    (unasked,) = permissions_of(wanted, {})
    assert unasked.granted is Grant.UNKNOWN
    assert unasked.needed_by == [NeededBy.MAPPING, NeededBy.SCHEDULE]


def test_each_way_of_writing_that_is_offered_is_a_need() -> None:
    listed = SourceObject(label="Parts", write=Write(create=True, delete=True))
    wanted = wanted_of("parts", listed, [], scheduled=False, read_before=())
    assert [one.need for one in wanted] == [
        Need("parts", verb) for verb in (Verb.READ, Verb.CREATE, Verb.DELETE)
    ]


def test_a_row_of_its_own_decides_over_the_one_of_all_others() -> None:
    assert Scheduled({"": True, "parts": False}).includes("vendors")
    assert not Scheduled({"": True, "parts": False}).includes("parts")
    assert Scheduled({}, by_default=True).includes("parts")
    assert not Scheduled({}).includes("parts")


KEY = Credential(key="key", title="Key", lifetime_days=90)
DAY = Credential(key="expires_on", title="Until", optional=True, expiry=True)


@pytest.mark.parametrize(
    ("told", "form", "values", "expected"),
    [
        (None, [], {}, None),
        (NOON, [], {}, NOON),
        (None, [DAY], {}, None),
        (None, [DAY], {"expires_on": "2027-03-31"}, datetime(2027, 3, 31, tzinfo=UTC)),
        (None, [KEY], {}, NOON + timedelta(days=90)),
        (NOON + timedelta(days=1), [KEY, DAY], {"expires_on": "2027-03-31"}, NOON + timedelta(days=1)),
    ],
)
def test_the_first_end_that_is_known_counts(
    told: datetime | None, form: list[Credential], values: dict[str, str], expected: datetime | None
) -> None:
    assert expiry(told, form, values, NOON) == expected
