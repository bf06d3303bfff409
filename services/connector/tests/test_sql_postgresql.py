"""Against a real PostgreSQL: what it answers, and what that comes to."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lineshaft.common.outcomes import Grant, Operation, Outcome, Rung, Verb
from lineshaft.connector.adapters.protocols.sql_postgresql import PostgreSql
from lineshaft.connector.adapters.protocols.window import CLOCK_SKEW
from lineshaft.connector.domain.evidence import Evidence
from lineshaft.connector.domain.protocol import Need, Right, WriteOperation
from lineshaft.tools.stack.layout import Layout
from lineshaft.tools.stack.postgresql_source import PostgresqlSource
from lineshaft.tools.stack.progress import Progress
from lineshaft.tools.stack.supervisor import Supervisor

from .sql_source import opened, read_all, refused, rows, with_objects

pytestmark = pytest.mark.integration

FIELDS = ["number", "name"]
OVERLAP = timedelta(minutes=5)


@pytest.fixture(scope="module")
def plant() -> Iterator[PostgresqlSource]:
    supervisor = Supervisor(Layout.discover(f"postgresql-{os.getpid()}"), Progress(quiet=True))
    try:
        plant = PostgresqlSource(supervisor)
        plant.start()
        yield plant
    finally:
        supervisor.stop()


async def read_evidence(plant: PostgresqlSource, fields: list[str], name: str = "parts") -> Evidence:
    async with opened(plant) as adapter:
        return await refused(lambda: adapter.read(name, fields, None, 5))


async def verify_evidence(plant: PostgresqlSource, **changes: Any) -> Evidence:
    async with opened(plant, **changes) as adapter:
        return await refused(adapter.verify)


async def test_who_it_is(plant: PostgresqlSource) -> None:
    async with opened(plant) as adapter:
        verified = await adapter.verify()
    assert verified.account_id == f"reader@{plant.server.host}:{plant.server.port}/plant"


async def test_what_the_account_sees(plant: PostgresqlSource) -> None:
    async with opened(plant) as adapter:
        (parts,) = await adapter.describe(["parts"])
    fields = {field.name: field for field in parts.fields}
    assert fields["unit_cost"].type == "numeric(12,2)"
    assert fields["id"].required
    assert not fields["description"].required
    assert all(field.readable for field in parts.fields)


async def test_codes_of_enumerations_and_checks(plant: PostgresqlSource) -> None:
    plant.execute("create type grade as enum ('B', 'A', 'it''s C')")
    plant.execute(
        "create table gauges (id int primary key, grade grade, size int check (size in (1, 2)),"
        " state varchar(9) check (state in ('on', 'off')), other text check (other <> 'on'),"
        " kind text check (length(kind) < 9) check (kind is null or kind = any (array['x', 'y,z'])))"
    )
    plant.execute("grant select on gauges to reader")
    async with opened(plant) as adapter:
        (gauges,) = await adapter.describe(["gauges"])
    assert {field.name: list(field.codes) for field in gauges.fields if field.codes} == {
        "grade": ["B", "A", "it's C"],
        "state": ["on", "off"],
        "kind": ["x", "y,z"],
    }


async def test_pages_by_key_hold_each_row_once(plant: PostgresqlSource) -> None:
    async with opened(plant) as adapter:
        found, cursor = await read_all(adapter, "parts", [*FIELDS, "unit_cost", "active"], limit=50)
    assert [one["id"] for one in found] == list(range(1, 241))
    assert isinstance(found[0]["unit_cost"], str)
    assert found[0]["active"] is True
    assert found[0]["updated_at"].endswith("+00:00")
    assert set(cursor) == {"since"}


async def test_only_what_changed_is_read_again_also_in_pages(plant: PostgresqlSource) -> None:
    async with opened(plant) as adapter:
        _, cursor = await read_all(adapter, "work_orders", ["title"])
        plant.execute("update work_orders set title = 'Changed', updated_at = now() where id <= 20")
        found, cursor = await read_all(adapter, "work_orders", ["title"], cursor, limit=7)
        assert [one["id"] for one in found] == list(range(1, 21))
        again, _ = await read_all(adapter, "work_orders", ["title"], cursor)
        assert len(again) == 20, "the overlap is read again"


async def test_rows_that_share_a_time_and_rows_from_the_future(plant: PostgresqlSource) -> None:
    plant.execute("update vendors set updated_at = now() + interval '1 year' where id = 3")
    async with opened(plant) as adapter:
        _, cursor = await read_all(adapter, "vendors", ["name"])
        found, cursor = await read_all(adapter, "vendors", ["name"], cursor)
        assert [one["id"] for one in found] == [3]
        plant.execute("update vendors set updated_at = now() where id in (1, 2, 5)")
        found, _ = await read_all(adapter, "vendors", ["name"], cursor, limit=2)
    assert [one["id"] for one in found] == [1, 2, 5, 3], "later changes are seen all the same"


async def test_a_text_key_of_several_columns_times_without_zone_and_json(plant: PostgresqlSource) -> None:
    plant.execute(
        "create table readings (site text, no numeric(20), at timestamp, details jsonb, raw bytea,"
        " id uuid default gen_random_uuid(), primary key (site, no))",
        "insert into readings select 'S' || i % 2, i, '2026-07-01 12:00', '{\"a\": {\"b\": 1}}', 'x'"
        " from generate_series(9007199254740990, 9007199254740999) i",
        "grant select on readings to reader",
    )
    system = with_objects(
        "postgresql", {"readings": {"label": "R", "key": ["site", "no"], "cursor": {"field": "at"}}}
    )
    async with opened(plant, system=system, timezone="Europe/Berlin") as adapter:
        found, cursor = await read_all(adapter, "readings", ["details", "id"], limit=3)
        assert len({(one["site"], one["no"]) for one in found}) == 10
        assert found[0]["at"] == "2026-07-01T12:00:00+02:00"
        assert found[0]["details"] == {"a": {"b": 1}}
        assert "T" in cursor["since"]
        assert "+" not in cursor["since"]
        found, _ = await read_all(adapter, "readings", [], {"since": "2026-07-01T11:00:00"}, limit=4)
        assert len(found) == 10


async def test_a_key_that_does_not_tell_rows_apart_is_told(plant: PostgresqlSource) -> None:
    """It would lose rows in silence: a view has no key that the database checks."""
    plant.execute(
        "create view places as select location_id, number, updated_at from assets",
        "grant select on places to reader",
    )
    system = with_objects(
        "postgresql", {"places": {"label": "P", "key": ["location_id"], "cursor": {"field": "updated_at"}}}
    )
    async with opened(plant, system=system) as adapter:
        evidence = await refused(lambda: adapter.read("places", ["number"], None, 100))
    assert (evidence.outcome, evidence.code) == (Outcome.CONFIGURATION_ERROR, "key_not_unique")
    assert "rows have location_id = " in (evidence.message or "")
    system = with_objects("postgresql", {"roots": {"label": "R", "key": ["parent_id", "id"]}})
    plant.execute("create view roots as select id, parent_id from assets", "grant select on roots to reader")
    async with opened(plant, system=system) as adapter:
        evidence = await refused(lambda: read_all(adapter, "roots", [], limit=1000))
    assert (evidence.outcome, evidence.code) == (Outcome.CONFIGURATION_ERROR, "key_is_null")
    assert "a row has no parent_id" in (evidence.message or "")


async def test_the_hour_that_comes_twice_is_read_twice(
    plant: PostgresqlSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A time without a zone is earlier once the clock was put back than what was written before."""

    def it_is(moment: str) -> None:
        who = "select current_user::text, current_database()::text"
        monkeypatch.setattr(PostgreSql, "who_am_i", f"{who}, timestamptz '2026-10-25 {moment}+00'")

    plant.execute(
        "create table shifts (id int primary key, at timestamp)",
        "grant select on shifts to reader",
        "insert into shifts values (1, '2026-10-25 02:50')",
    )
    system = with_objects(
        "postgresql", {"shifts": {"label": "S", "key": ["id"], "cursor": {"field": "at", "overlap_s": 0}}}
    )
    async with opened(plant, system=system, timezone="Europe/Berlin") as adapter:
        it_is("00:50")
        _, cursor = await read_all(adapter, "shifts", [])
        plant.execute("insert into shifts values (2, '2026-10-25 02:10')")
        it_is("01:20")
        found, cursor = await read_all(adapter, "shifts", [], cursor)
        assert [one["id"] for one in found] == [2, 1]
        plant.execute("insert into shifts values (3, '2026-10-25 02:30')")
        it_is("01:40")
        found, _ = await read_all(adapter, "shifts", [], cursor)
        assert [one["id"] for one in found] == [3, 1]


@pytest.mark.parametrize(
    ("before", "after", "changes", "code"),
    [
        ("select 1", "select 1", {"password": "wrong"}, "28P01"),
        ("alter role reader nologin", "alter role reader login", {}, "28000"),
        (
            "alter role reader valid until '2020-01-01'",
            "alter role reader valid until 'infinity'",
            {},
            "28P01",
        ),
        ("select 1", "select 1", {"username": "nobody"}, "28P01"),
    ],
)
async def test_credentials_that_do_not_open(
    plant: PostgresqlSource, before: str, after: str, changes: dict[str, Any], code: str
) -> None:
    plant.execute(before)
    try:
        evidence = await verify_evidence(plant, **changes)
    finally:
        plant.execute(after)
    assert (evidence.outcome, evidence.code) == (Outcome.CREDENTIALS_REJECTED, code)
    assert evidence.operation is Operation.LOGIN
    assert "wrong" not in (evidence.message or "")


@pytest.mark.parametrize(
    ("changes", "outcome", "rung", "code"),
    [
        ({"database": "nope"}, Outcome.CONFIGURATION_ERROR, None, "unknown_database"),
        ({"port": "9"}, Outcome.UNREACHABLE, Rung.TCP, "connection_refused"),
        ({"host": "plant.invalid"}, Outcome.UNREACHABLE, Rung.DNS, "name_not_resolved"),
        ({"host": "10.1.2.3"}, Outcome.CONFIGURATION_ERROR, None, "address_not_allowed"),
        ({"tls": "verify"}, Outcome.UNREACHABLE, Rung.TLS, "tls_not_offered"),
    ],
)
async def test_what_is_wrong_on_the_way(
    plant: PostgresqlSource, changes: dict[str, Any], outcome: Outcome, rung: Rung | None, code: str
) -> None:
    evidence = await verify_evidence(plant, **changes)
    assert (evidence.outcome, evidence.rung, evidence.code) == (outcome, rung, code)


async def test_a_password_that_is_changed_ends_no_connection_and_opens_no_new_one(
    plant: PostgresqlSource,
) -> None:
    old = plant.password
    async with opened(plant) as adapter:
        await adapter.verify()
        plant.change_password("another")
        await adapter.verify()
        await adapter.aclose()
        evidence = await refused(adapter.verify)
    plant.change_password(old)
    assert evidence.outcome is Outcome.CREDENTIALS_REJECTED


async def test_a_right_on_a_table_that_is_taken_away(plant: PostgresqlSource) -> None:
    lost = plant.revoke_one_object()
    try:
        evidence = await read_evidence(plant, ["number"], lost)
    finally:
        plant.restore_one_object()
    assert (evidence.outcome, evidence.code, evidence.confidence) == (
        Outcome.PERMISSION_DENIED,
        "42501",
        "high",
    )
    assert f"no right to select of {lost}" in (evidence.message or "")


async def test_a_right_on_a_column_that_is_taken_away(plant: PostgresqlSource) -> None:
    plant.execute(
        "revoke select on parts from reader", "grant select (id, number, updated_at) on parts to reader"
    )
    try:
        evidence = await read_evidence(plant, FIELDS)
        async with opened(plant) as adapter:
            (described,) = await adapter.describe(["parts"])
            assert rows(await adapter.read("parts", ["number"], None, 5))
    finally:
        plant.execute("grant select on parts to reader")
    assert (evidence.outcome, evidence.confidence) == (Outcome.PERMISSION_DENIED, "high")
    assert "of parts: name" in (evidence.message or "")
    assert evidence.field == "name"
    assert {field.name for field in described.fields if field.readable} == {"id", "number", "updated_at"}


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ("alter table parts rename to spare_parts", "alter table spare_parts rename to parts", "42P01"),
        (
            "alter table parts rename column name to title",
            "alter table parts rename column title to name",
            "42703",
        ),
    ],
)
async def test_a_table_or_column_that_is_gone(
    plant: PostgresqlSource, before: str, after: str, code: str
) -> None:
    plant.execute(before)
    try:
        evidence = await read_evidence(plant, FIELDS)
    finally:
        plant.execute(after)
    assert (evidence.outcome, evidence.code) == (Outcome.CONFIGURATION_ERROR, code)
    assert evidence.field == (None if "table parts rename to" in before else "name")


async def test_a_table_that_never_was_is_said_by_describe(plant: PostgresqlSource) -> None:
    async with opened(plant) as adapter:
        evidence = await refused(lambda: adapter.describe(["no_such_table"]))
    assert (evidence.outcome, evidence.object) == (Outcome.CONFIGURATION_ERROR, "no_such_table")


async def test_a_connection_that_is_killed_and_a_server_that_is_stopped(plant: PostgresqlSource) -> None:
    async with opened(plant) as adapter:
        await adapter.verify()
        plant.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'reader'")
        evidence = await refused(adapter.verify)
        assert evidence.outcome in {Outcome.SOURCE_ERROR, Outcome.UNREACHABLE}
        await adapter.aclose()
        await adapter.verify()
        plant.stop()
        try:
            stopped = await refused(adapter.verify)
            await adapter.aclose()
            refused_now = await refused(adapter.verify)
        finally:
            plant.start()
        assert stopped.outcome in {Outcome.SOURCE_ERROR, Outcome.UNREACHABLE}
        assert (refused_now.outcome, refused_now.rung) == (Outcome.UNREACHABLE, Rung.TCP)


async def test_a_statement_that_takes_too_long(plant: PostgresqlSource) -> None:
    plant.execute(
        "create view slow as select 1 as id, pg_sleep(20)::text as waited", "grant select on slow to reader"
    )
    system = with_objects("postgresql", {"slow": {"label": "S"}}, timeout_s=0.3)
    async with opened(plant, system=system) as adapter:
        evidence = await refused(lambda: adapter.read("slow", ["waited"], None, 5))
    assert (evidence.outcome, evidence.rung, evidence.code) == (Outcome.UNREACHABLE, Rung.TIMEOUT, "57014")


async def test_writes_touch_one_row_or_none(plant: PostgresqlSource) -> None:
    values = {
        "number": "WO-X",
        "title": "Written",
        "status": "open",
        "planned_start": "2026-11-24T08:00:00+01:00",
    }
    async with opened(plant) as adapter:
        created = await adapter.write("work_orders", WriteOperation.CREATE, None, values)
        stored = f"select title, planned_start::text from work_orders where id = {created.source_id}"
        assert plant.fetch(stored) == [("Written", "2026-11-24 07:00:00+00")]
        changes = {"title": "Twice", "priority": 2, "planned_start": None}
        await adapter.write("work_orders", WriteOperation.UPDATE, created.source_id, changes)
        assert plant.fetch(stored) == [("Twice", None)]

        async def evidence(name: str, source_id: str, changes: dict[str, Any]) -> tuple[Outcome, str | None]:
            found = await refused(lambda: adapter.write(name, WriteOperation.UPDATE, source_id, changes))
            return found.outcome, found.code

        assert await evidence("work_orders", "999999", changes) == (Outcome.INVALID_REQUEST, "no_such_row")
        assert await evidence("work_orders", "1 or true", changes) == (Outcome.INVALID_REQUEST, "22P02")
        assert await evidence("work_orders", "1", {"priority": "x"}) == (Outcome.INVALID_REQUEST, "22P02")
        assert await evidence("work_orders", "1", {"title": None}) == (Outcome.INVALID_REQUEST, "23502")
        assert await evidence("work_orders", "1", {"nope": 1}) == (Outcome.CONFIGURATION_ERROR, "42703")
        assert await evidence("locations", "1", {"name": "x"}) == (Outcome.INVALID_REQUEST, "not_writable")
        plant.execute("revoke update on work_orders from reader")
        assert (await evidence("work_orders", "1", {"title": "x"}))[0] is Outcome.PERMISSION_DENIED
        plant.execute("grant update on work_orders to reader")


PARTS, ORDERS = Need("parts", Verb.READ, ("number", "name")), Need("purchase_orders", Verb.READ, ("number",))


async def rights_of(plant: PostgresqlSource, *needs: Need) -> list[Right]:
    async with opened(plant) as adapter:
        found = await adapter.rights(needs)
    return [found[need] for need in needs]


async def test_rights_are_known_before_they_are_missed(plant: PostgresqlSource) -> None:
    every = [Need("vendors", verb) for verb in Verb]
    assert {right.grant for right in await rights_of(plant, PARTS, ORDERS)} == {Grant.GRANTED}
    plant.execute(
        "revoke select on purchase_orders from reader",
        "revoke select on parts from reader",
        "grant select (id, number, updated_at) on parts to reader",
        "revoke all on vendors from reader",
        "grant select, insert (code), delete on vendors to reader",
    )
    try:
        assert await rights_of(plant, PARTS, ORDERS) == [
            Right(Grant.DENIED, ("name",)),
            Right(Grant.DENIED),
        ]
        granted = dict(zip(Verb, await rights_of(plant, *every), strict=True))
        assert granted == {
            Verb.READ: Right(Grant.GRANTED),
            Verb.CREATE: Right(Grant.GRANTED),
            Verb.UPDATE: Right(Grant.DENIED),
            Verb.DELETE: Right(Grant.GRANTED),
        }
        assert await rights_of(plant, Need("nowhere", Verb.READ)) == [Right(Grant.UNKNOWN)]
    finally:
        plant.execute(
            "grant select on purchase_orders, parts to reader",
            "grant select, insert, update, delete on vendors to reader",
        )
    assert {right.grant for right in await rights_of(plant, PARTS, ORDERS, *every)} == {Grant.GRANTED}


async def test_a_schema_that_is_closed_closes_its_tables(plant: PostgresqlSource) -> None:
    plant.execute("revoke usage on schema public from public", "revoke usage on schema public from reader")
    try:
        assert await rights_of(plant, PARTS) == [Right(Grant.DENIED)]
    finally:
        plant.execute("grant usage on schema public to public, reader")


async def test_when_a_password_ends(plant: PostgresqlSource) -> None:
    async with opened(plant) as adapter:
        assert (await adapter.verify()).expires_at is None
    plant.execute("alter role reader valid until '2099-03-31 12:00+00'")
    try:
        async with opened(plant) as adapter:
            assert (await adapter.verify()).expires_at == datetime(2099, 3, 31, 12, tzinfo=UTC)
    finally:
        plant.execute("alter role reader valid until 'infinity'")


async def test_a_replica_is_read_up_to_what_it_has(plant: PostgresqlSource) -> None:
    signal = plant.server.data / "standby.signal"
    plant.stop()
    stopped = datetime.now(UTC)
    signal.touch()
    try:
        plant.start()
        async with opened(plant) as adapter:
            _, cursor = await read_all(adapter, "parts", ["name"])
    finally:
        plant.stop()
        signal.unlink()
        plant.start()
    assert datetime.fromisoformat(cursor["since"]) <= stopped - CLOCK_SKEW - OVERLAP
