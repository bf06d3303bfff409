"""Against a real MariaDB: what it answers, and what that comes to."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lineshaft.common.http.addresses import AddressPolicy
from lineshaft.common.outcomes import Grant, Operation, Outcome, Rung, Verb
from lineshaft.connector.adapters.http import SourceHttp
from lineshaft.connector.adapters.ladder import Climb
from lineshaft.connector.adapters.protocols.route import route_of
from lineshaft.connector.domain.evidence import Evidence
from lineshaft.connector.domain.ladder import DATABASE, Ladder
from lineshaft.connector.domain.protocol import Need, Right, WriteOperation
from lineshaft.tools.stack.layout import Layout
from lineshaft.tools.stack.mariadb_source import MariadbSource
from lineshaft.tools.stack.progress import Progress
from lineshaft.tools.stack.supervisor import Supervisor

from .certificates import issue
from .rig import quietly
from .sql_source import CATALOG, NETWORKS, needs_mariadb, opened, read_all, refused, with_objects

pytestmark = pytest.mark.integration

FIELDS = ["number", "name"]
LOCALHOST = issue("localhost", names=("localhost",))
"""Signed by itself."""


@pytest.fixture(scope="module")
def plant() -> Iterator[MariadbSource]:
    needs_mariadb()
    supervisor = Supervisor(Layout.discover(f"mariadb-{os.getpid()}"), Progress(quiet=True))
    try:
        shown, key = LOCALHOST.files_of_server(supervisor)
        plant = MariadbSource(supervisor, options={"ssl-cert": str(shown), "ssl-key": str(key)})
        plant.start()
        yield plant
    finally:
        supervisor.stop()


async def read_evidence(plant: MariadbSource, fields: list[str], name: str = "parts") -> Evidence:
    async with opened(plant) as adapter:
        return await refused(lambda: adapter.read(name, fields, None, 5))


async def verify_evidence(plant: MariadbSource, **changes: Any) -> Evidence:
    async with opened(plant, **changes) as adapter:
        return await refused(adapter.verify)


async def test_who_it_is(plant: MariadbSource) -> None:
    async with opened(plant) as adapter:
        verified = await adapter.verify()
    assert verified.account_id == f"reader@{plant.server.host}:{plant.server.port}/plant"


async def test_what_the_account_sees(plant: MariadbSource) -> None:
    async with opened(plant) as adapter:
        (parts,) = await adapter.describe(["parts"])
    fields = {field.name: field for field in parts.fields}
    assert fields["unit_cost"].type == "decimal(12,2)"
    assert fields["id"].required
    assert not fields["description"].required
    assert all(field.readable for field in parts.fields)


async def test_codes_of_enumerations(plant: MariadbSource) -> None:
    plant.execute("create table gauges (id int primary key, grade enum('B', 'it''s A'), flags set('x', 'y'))")
    plant.execute("grant select on gauges to reader")
    async with opened(plant) as adapter:
        (gauges,) = await adapter.describe(["gauges"])
    assert {field.name: list(field.codes) for field in gauges.fields if field.codes} == {
        "grade": ["B", "it's A"]
    }


async def test_pages_by_key_hold_each_row_once(plant: MariadbSource) -> None:
    async with opened(plant) as adapter:
        found, cursor = await read_all(adapter, "parts", [*FIELDS, "unit_cost", "active"], limit=50)
    assert [one["id"] for one in found] == list(range(1, 241))
    assert isinstance(found[0]["unit_cost"], str)
    assert found[0]["active"] is True
    assert found[0]["updated_at"].endswith("+00:00")
    assert set(cursor) == {"since"}


async def test_only_what_changed_is_read_again_also_in_pages(plant: MariadbSource) -> None:
    async with opened(plant) as adapter:
        _, cursor = await read_all(adapter, "work_orders", ["title"])
        plant.execute(
            "update work_orders set title = 'Changed', updated_at = utc_timestamp(6) where id <= 20"
        )
        found, cursor = await read_all(adapter, "work_orders", ["title"], cursor, limit=7)
        assert [one["id"] for one in found] == list(range(1, 21))
        again, _ = await read_all(adapter, "work_orders", ["title"], cursor)
        assert len(again) == 20, "the overlap is read again"


async def test_keys_beyond_floats_both_kinds_of_times_and_odd_names(plant: MariadbSource) -> None:
    plant.execute(
        "create table `100% odd``name` (site varchar(5), no bigint, at timestamp(6), local datetime,"
        " raw blob, on_off bit(1), empty_date date, primary key (site, no))",
        "insert into `100% odd``name` select concat('S', seq % 2), seq, '2026-07-01 12:00',"
        " '2026-07-01 12:00', 'x', b'1', '0000-00-00' from seq_9007199254740990_to_9007199254740999",
        "grant select on `100% odd``name` to reader",
    )
    objects = {
        "odd": {"label": "R", "resource": "100% odd`name", "key": ["site", "no"], "cursor": {"field": "at"}}
    }
    system = with_objects("mariadb", objects)
    async with opened(plant, system=system, timezone="Europe/Berlin") as adapter:
        found, _ = await read_all(adapter, "odd", ["local", "on_off", "empty_date"], limit=3)
        assert len({(one["site"], one["no"]) for one in found}) == 10
        assert found[0]["at"] == "2026-07-01T12:00:00+00:00"
        assert found[0]["local"] == "2026-07-01T12:00:00+02:00"
        assert (found[0]["on_off"], found[0]["empty_date"]) == (True, None)
        found, _ = await read_all(adapter, "odd", [], {"since": "2026-07-01T11:00:00"}, limit=4)
        assert len(found) == 10


@pytest.mark.parametrize(
    ("before", "after", "changes", "code"),
    [
        ("do 1", "do 1", {"password": "wrong"}, "1045"),
        ("do 1", "do 1", {"username": "nobody"}, "1045"),
        ("alter user reader account lock", "alter user reader account unlock", {}, "account_locked"),
        (
            "alter user reader password expire",
            "alter user reader password expire never",
            {},
            "password_expired",
        ),
    ],
)
async def test_credentials_that_do_not_open(
    plant: MariadbSource, before: str, after: str, changes: dict[str, Any], code: str
) -> None:
    plant.execute(before)
    try:
        evidence = await verify_evidence(plant, **changes)
    finally:
        plant.change_password(plant.password)
        plant.execute(after)
    assert (evidence.outcome, evidence.code) == (Outcome.CREDENTIALS_REJECTED, code)
    assert evidence.operation is Operation.LOGIN
    assert "wrong" not in (evidence.message or "")


@pytest.mark.parametrize(
    ("changes", "outcome", "rung", "code"),
    [
        ({"database": "nope"}, Outcome.PERMISSION_DENIED, None, "1044"),
        ({"port": "9"}, Outcome.UNREACHABLE, Rung.TCP, "connection_refused"),
        ({"host": "plant.invalid"}, Outcome.UNREACHABLE, Rung.DNS, "name_not_resolved"),
        ({"host": "10.1.2.3"}, Outcome.CONFIGURATION_ERROR, None, "address_not_allowed"),
        ({"tls": "verify"}, Outcome.UNREACHABLE, Rung.TLS, "certificate_self_signed"),
    ],
)
async def test_what_is_wrong_on_the_way(
    plant: MariadbSource, changes: dict[str, Any], outcome: Outcome, rung: Rung | None, code: str
) -> None:
    evidence = await verify_evidence(plant, **changes)
    assert (evidence.outcome, evidence.rung, evidence.code) == (outcome, rung, code)


async def test_tls_checks_the_name_although_an_address_is_dialled(
    plant: MariadbSource,
) -> None:
    """The name has another address too, where nobody listens."""
    networks, authority = ["127.0.0.0/8", "::1/128"], LOCALHOST.pem.decode()
    async with opened(plant, tls="encrypt") as adapter:
        await adapter.verify()
    async with opened(
        plant, networks=networks, ca_certificate=authority, host="localhost", tls="verify"
    ) as adapter:
        await adapter.verify()
    evidence = await verify_evidence(plant, ca_certificate=authority, tls="verify")
    assert (evidence.rung, evidence.code) == (Rung.TLS, "certificate_wrong_name")
    assert "127.0.0.1" in (evidence.message or ""), "the certificate is of another name"


async def test_a_password_that_is_changed_ends_no_connection_and_opens_no_new_one(
    plant: MariadbSource,
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


async def test_a_right_on_a_table_that_is_taken_away(plant: MariadbSource) -> None:
    """The same answer as for a table that is not there, so it is not taken for certain."""
    lost = plant.revoke_one_object()
    try:
        evidence = await read_evidence(plant, ["number"], lost)
        async with opened(plant) as adapter:
            never = await refused(lambda: adapter.describe(["no_such_table"]))
    finally:
        plant.restore_one_object()
    for found in (evidence, never):
        assert (found.outcome, found.code, found.confidence) == (
            Outcome.PERMISSION_DENIED,
            "denied_or_gone",
            "low",
        )
        assert "MariaDB does not tell which" in (found.message or "")


async def test_a_right_on_a_table_of_which_others_are_left(plant: MariadbSource) -> None:
    plant.execute("revoke select on work_orders from reader")
    try:
        evidence = await read_evidence(plant, ["number"], "work_orders")
    finally:
        plant.execute("grant select on work_orders to reader")
    assert (evidence.outcome, evidence.code, evidence.confidence) == (
        Outcome.PERMISSION_DENIED,
        "1142",
        "high",
    )


async def test_narrow_grants_hide_what_they_leave_out(plant: MariadbSource) -> None:
    plant.execute(
        "revoke select on parts from reader", "grant select (id, number, updated_at) on parts to reader"
    )
    try:
        async with opened(plant) as adapter:
            (described,) = await adapter.describe(["parts"])
            found, _ = await read_all(adapter, "parts", ["number"], limit=200)
            assert len(found) == 240
        closed = await read_evidence(plant, FIELDS)
        plant.execute("alter table parts rename column number to part_number")
        gone = await read_evidence(plant, ["number"])
        plant.execute("alter table parts rename column part_number to number")
    finally:
        plant.execute(
            "revoke select (id, number, updated_at) on parts from reader", "grant select on parts to reader"
        )
    assert {field.name for field in described.fields if field.readable} == {"id", "number", "updated_at"}
    assert (closed.outcome, closed.code, closed.confidence) == (
        Outcome.PERMISSION_DENIED,
        "denied_or_gone",
        "low",
    )
    assert (closed.field, gone.field) == ("name", "number")
    assert (gone.outcome, gone.code, gone.confidence) == (Outcome.CONFIGURATION_ERROR, "1054", "high")


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ("rename table parts to spare_parts", "rename table spare_parts to parts", "1146"),
        (
            "alter table parts rename column name to title",
            "alter table parts rename column title to name",
            "1054",
        ),
    ],
)
async def test_a_table_or_column_that_is_gone(
    plant: MariadbSource, before: str, after: str, code: str
) -> None:
    plant.execute(before)
    try:
        evidence = await read_evidence(plant, FIELDS)
    finally:
        plant.execute(after)
    assert (evidence.outcome, evidence.code) == (Outcome.CONFIGURATION_ERROR, code)


async def test_a_connection_that_is_killed_and_a_server_that_is_stopped(plant: MariadbSource) -> None:
    async with opened(plant) as adapter:
        await adapter.verify()
        plant.execute("kill user reader")
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


async def test_a_statement_that_takes_too_long(plant: MariadbSource) -> None:
    plant.execute("create view slow as select 1 as id, sleep(20) as waited", "grant select on slow to reader")
    async with opened(
        plant, system=with_objects("mariadb", {"slow": {"label": "S"}}, timeout_s=0.3)
    ) as adapter:
        evidence = await refused(lambda: adapter.read("slow", ["waited"], None, 5))
    assert (evidence.outcome, evidence.rung, evidence.code) == (Outcome.UNREACHABLE, Rung.TIMEOUT, "1969")


async def test_writes_touch_one_row_or_none(plant: MariadbSource) -> None:
    values = {
        "number": "WO-X",
        "title": "100% 'written'",
        "status": "open",
        "planned_start": "2026-11-24T08:00:00+01:00",
    }
    async with opened(plant) as adapter:
        created = await adapter.write("work_orders", WriteOperation.CREATE, None, values)
        stored = f"select title, cast(planned_start as char) from work_orders where id = {created.source_id}"
        assert plant.fetch(stored) == [("100% 'written'", "2026-11-24 07:00:00.000000")]
        changes = {"title": "Twice", "priority": 2, "planned_start": None}
        await adapter.write("work_orders", WriteOperation.UPDATE, created.source_id, changes)
        await adapter.write("work_orders", WriteOperation.UPDATE, created.source_id, changes)
        assert plant.fetch(stored) == [("Twice", None)]

        async def evidence(name: str, source_id: str, changes: dict[str, Any]) -> tuple[Outcome, str | None]:
            found = await refused(lambda: adapter.write(name, WriteOperation.UPDATE, source_id, changes))
            return found.outcome, found.code

        assert await evidence("work_orders", "999999", changes) == (Outcome.INVALID_REQUEST, "no_such_row")
        assert await evidence("work_orders", "1 or true", changes) == (Outcome.INVALID_REQUEST, "1292")
        assert await evidence("work_orders", "1", {"priority": "x"}) == (Outcome.INVALID_REQUEST, "1366")
        assert await evidence("work_orders", "1", {"title": None}) == (Outcome.INVALID_REQUEST, "1048")
        assert await evidence("work_orders", "1", {"title": "x" * 200}) == (Outcome.INVALID_REQUEST, "1406")
        assert await evidence("work_orders", "1", {"nope": 1}) == (Outcome.CONFIGURATION_ERROR, "1054")
        assert await evidence("vendors", "1", {"name": "x"}) == (Outcome.INVALID_REQUEST, "not_writable")
        plant.execute("revoke update on work_orders from reader")
        assert (await evidence("work_orders", "1", {"title": "x"}))[0] is Outcome.PERMISSION_DENIED
        plant.execute("grant update on work_orders to reader")


@pytest.mark.parametrize(("tls", "code"), [("verify", "certificate_self_signed"), ("encrypt", None)])
async def test_the_ladder_asks_for_tls_without_a_login(
    plant: MariadbSource, tls: str, code: str | None
) -> None:
    system = CATALOG.system(plant.system)
    http = SourceHttp(AddressPolicy(NETWORKS))
    ladder = Ladder(DATABASE)
    settings = {**plant.connection_fields, "tls": tls, "host": "localhost"}
    await Climb(ladder, route_of(system, settings, http), http, quietly).network()
    await http.close()
    found = {one.rung.value: one for one in ladder.results}["tls"]
    assert found.code == code
    assert [one.subject for one in found.certificates] == ["CN=localhost"]


PARTS, ORDERS = Need("parts", Verb.READ, ("number", "name")), Need("purchase_orders", Verb.READ, ("number",))


async def rights_of(plant: MariadbSource, *needs: Need) -> list[Right]:
    async with opened(plant) as adapter:
        found = await adapter.rights(needs)
    return [found[need] for need in needs]


async def test_rights_are_known_before_they_are_missed(plant: MariadbSource) -> None:
    every = [Need("vendors", verb) for verb in Verb]
    assert {right.grant for right in await rights_of(plant, PARTS, ORDERS)} == {Grant.GRANTED}
    before = [right.grant for right in await rights_of(plant, *every)]
    assert before == [Grant.GRANTED, *[Grant.DENIED] * 3]
    plant.execute(
        "revoke select on purchase_orders from reader",
        "revoke select on parts from reader",
        "grant select (id, number, updated_at) on parts to reader",
        "revoke select on vendors from reader",
        "create role if not exists buyers",
        "grant select, delete on vendors to buyers",
        "grant insert (code) on vendors to reader",
        "grant buyers to reader",
        "set default role buyers for reader",
    )
    try:
        assert await rights_of(plant, PARTS, ORDERS) == [
            Right(Grant.UNKNOWN, ("name",)),  # or it is not there: MariaDB does not tell which
            Right(Grant.DENIED),
        ]
        granted = dict(zip(Verb, await rights_of(plant, *every), strict=True))
        assert {verb: right.grant for verb, right in granted.items()} == {
            Verb.READ: Grant.GRANTED,
            Verb.CREATE: Grant.GRANTED,
            Verb.UPDATE: Grant.DENIED,
            Verb.DELETE: Grant.GRANTED,
        }
    finally:
        plant.execute(
            "set default role none for reader",
            "drop role buyers",
            "revoke select (id, number, updated_at) on parts from reader",
            "revoke insert (code) on vendors from reader",
            "grant select on parts to reader",
            "grant select on purchase_orders to reader",
            "grant select on vendors to reader",
        )
    assert {right.grant for right in await rights_of(plant, PARTS, ORDERS)} == {Grant.GRANTED}
    assert [right.grant for right in await rights_of(plant, *every)] == before


async def test_when_a_password_ends_where_the_account_may_know(plant: MariadbSource) -> None:
    plant.execute("alter user reader password expire interval 90 day")
    try:
        async with opened(plant) as adapter:
            assert (await adapter.verify()).expires_at is None
        plant.execute("grant select on mysql.global_priv to reader")
        async with opened(plant) as adapter:
            ends = (await adapter.verify()).expires_at
        assert ends is not None
        assert timedelta(days=89) < ends - datetime.now(UTC) <= timedelta(days=90)
        plant.execute("alter user reader password expire never")
        async with opened(plant) as adapter:
            assert (await adapter.verify()).expires_at is None
    finally:
        plant.execute(
            "alter user reader password expire never", "revoke select on mysql.global_priv from reader"
        )
