"""The REST adapter against the real sandbox in each of its failures."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lineshaft.common.errors import ConfigurationError
from lineshaft.common.integrations import Manifest
from lineshaft.common.outcomes import Grant, Outcome, Rung, Verb
from lineshaft.connector.adapters.protocols.rest_requests import authorization
from lineshaft.connector.adapters.rate_headers import moment_of_reset
from lineshaft.connector.domain.evidence import Evidence
from lineshaft.connector.domain.protocol import Need, Right, WriteOperation
from lineshaft.tools.stack.sandbox_source import SandboxSource
from lineshaft.tools.testing.sandbox import running_sandbox

from .sql_source import CATALOG, opened, read_all, refused, with_objects

FIELDS = ["id", "number", "name", "unit_cost"]
NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)


@pytest.fixture(scope="module")
def process() -> Iterator[SandboxSource]:
    with running_sandbox("sandbox") as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(process: SandboxSource) -> SandboxSource:
    process.admin("POST", "/reset")
    return process


async def read_evidence(sandbox: SandboxSource, name: str = "parts", **faults: Any) -> Evidence:
    async with opened(sandbox) as adapter:
        sandbox.fault(**faults)
        return await refused(lambda: adapter.read(name, FIELDS, None, 50))


async def test_who_it_is_and_what_it_sees(sandbox: SandboxSource) -> None:
    async with opened(sandbox) as adapter:
        verified = await adapter.verify()
        (parts,) = await adapter.describe(["parts"])
    assert verified.account_id == "plant-7"
    assert {"id", "name", "unit_cost"} <= {field.name for field in parts.fields}


async def test_all_records_then_those_that_changed(sandbox: SandboxSource) -> None:
    async with opened(sandbox) as adapter:
        found, cursor = await read_all(adapter, "parts", FIELDS, limit=100)
        assert [one["id"] for one in found] == list(range(1, 241))
        none, cursor = await read_all(adapter, "parts", FIELDS, cursor)
        assert none == []
        sandbox.admin("PATCH", "/records/parts", {"ids": [5, 7], "values": {"name": "Changed"}})
        changed, _ = await read_all(adapter, "parts", FIELDS, cursor, limit=1)
    assert [one["name"] for one in changed] == ["Changed", "Changed"]


@pytest.mark.parametrize(
    ("faults", "outcome", "status", "code"),
    [
        ({"credentials": "expired"}, Outcome.CREDENTIALS_REJECTED, 401, "credentials_expired"),
        ({"credentials": "locked"}, Outcome.CREDENTIALS_REJECTED, 401, "account_locked"),
        ({"credentials": "revoked"}, Outcome.CREDENTIALS_REJECTED, 401, "credentials_revoked"),
        ({"forbidden_objects": ["parts"]}, Outcome.PERMISSION_DENIED, 403, "forbidden"),
        ({"forbidden_fields": {"parts": ["name"]}}, Outcome.PERMISSION_DENIED, 200, "fields_hidden"),
        ({"server_error": {"status": 503}}, Outcome.SOURCE_ERROR, 503, "unavailable"),
        ({"server_error": {"status": 504}}, Outcome.UNREACHABLE, 504, "unavailable"),
        ({"html": True}, Outcome.SOURCE_ERROR, 200, "html_for_json"),
        ({"cut": "json"}, Outcome.SOURCE_ERROR, 200, "unexpected_answer"),
        ({"cut": "body"}, Outcome.UNREACHABLE, None, "connection_cut"),
        ({"drift": {"parts": {"dropped": ["name"]}}}, Outcome.CONFIGURATION_ERROR, 200, "fields_missing"),
        (
            {"drift": {"parts": {"renamed": {"name": "title"}}}},
            Outcome.CONFIGURATION_ERROR,
            200,
            "fields_missing",
        ),
    ],
)
async def test_what_a_failure_comes_to(
    sandbox: SandboxSource, faults: dict[str, Any], outcome: Outcome, status: int | None, code: str
) -> None:
    evidence = await read_evidence(sandbox, **faults)
    assert (evidence.outcome, evidence.http_status, evidence.code) == (outcome, status, code)


@pytest.mark.parametrize("style", ["retry_after_seconds", "retry_after_date", "reset_epoch", "reset_seconds"])
async def test_each_way_to_say_when_a_limit_ends(sandbox: SandboxSource, style: str) -> None:
    evidence = await read_evidence(sandbox, rate_limit={"seconds": 90, "style": style})
    assert evidence.outcome is Outcome.RATE_LIMITED
    assert evidence.retry_at is not None
    assert timedelta(seconds=80) < evidence.retry_at - datetime.now(UTC) < timedelta(seconds=95)


async def test_a_limit_that_does_not_say_when_it_ends(sandbox: SandboxSource) -> None:
    evidence = await read_evidence(sandbox, rate_limit={"style": "silent"})
    assert (evidence.outcome, evidence.retry_at) == (Outcome.RATE_LIMITED, None)


async def test_a_slow_one_and_one_that_does_not_listen(sandbox: SandboxSource) -> None:
    system = with_objects("sandbox", {"parts": {"label": "P", "resource": "/v1/parts"}}, timeout_s=0.2)
    sandbox.fault(delay_seconds=2)
    async with opened(sandbox, system=system) as adapter:
        slow = await refused(lambda: adapter.read("parts", [], None))
        sandbox.mend()
        sandbox.admin("PUT", "/door", {"open": False})
        closed = await refused(adapter.verify)
    assert (slow.outcome, slow.rung) == (Outcome.UNREACHABLE, Rung.TIMEOUT)
    assert (closed.outcome, closed.rung) == (Outcome.UNREACHABLE, Rung.TCP)


async def test_pages_that_repeat_overlap_or_pass_over_the_filter(sandbox: SandboxSource) -> None:
    async with opened(sandbox) as adapter:
        sandbox.fault(pages="overlapping")
        found, cursor = await read_all(adapter, "parts", FIELDS, limit=100)
        assert {one["id"] for one in found} == set(range(1, 241))
        sandbox.fault(pages="filter_ignored")
        ignored = await refused(lambda: adapter.read("parts", FIELDS, cursor, 100))
        sandbox.fault(pages="repeated")
        first = await adapter.read("parts", FIELDS, None, 100)
        repeated = await refused(lambda: adapter.read("parts", FIELDS, first.cursor, 100))
    assert (ignored.outcome, ignored.code) == (Outcome.CONFIGURATION_ERROR, "filter_ignored")
    assert (repeated.outcome, repeated.code) == (Outcome.SOURCE_ERROR, "page_repeated")


async def test_another_account_and_wrong_credentials(sandbox: SandboxSource) -> None:
    sandbox.fault(account="plant-8")
    async with opened(sandbox) as adapter:
        assert (await adapter.verify()).account_id == "plant-8"
    async with opened(sandbox, password="wrong") as adapter:
        evidence = await refused(adapter.verify)
    assert (evidence.outcome, evidence.code) == (Outcome.CREDENTIALS_REJECTED, "credentials_wrong")


async def test_writes(sandbox: SandboxSource) -> None:
    async with opened(sandbox) as adapter:
        values = {"number": "WO-X", "title": "Written", "status": "open"}
        created = await adapter.write("work_orders", WriteOperation.CREATE, None, values)
        assert created.source_id == "321"
        changed = await adapter.write("work_orders", WriteOperation.UPDATE, "321", {"status": "done"})
        assert (changed.values["status"], changed.values["title"]) == ("done", "Written")
        gone = await refused(lambda: adapter.write("work_orders", WriteOperation.UPDATE, "999", values))
        bad = await refused(lambda: adapter.write("work_orders", WriteOperation.UPDATE, "1", {"nope": 1}))
        sandbox.fault(read_only=True)
        denied = await refused(lambda: adapter.write("work_orders", WriteOperation.UPDATE, "1", values))
    assert (gone.outcome, gone.code) == (Outcome.INVALID_REQUEST, "unknown_record")
    assert (bad.outcome, bad.code) == (Outcome.INVALID_REQUEST, "bad_request")
    assert denied.outcome is Outcome.PERMISSION_DENIED


async def test_a_schema_that_is_not_described_is_read_off_the_records(sandbox: SandboxSource) -> None:
    system = with_objects(
        "sandbox", {"parts": {"label": "P", "resource": "/v1/parts", "records_path": "data"}}
    )
    plain = type(system)(system.manifest.model_copy(update={"options": {}}), {})
    async with opened(sandbox, system=plain) as adapter:
        (parts,) = await adapter.describe(["parts"])
    assert {"id", "name"} <= {field.name for field in parts.fields}


async def test_an_account_is_named_by_what_the_customer_entered(sandbox: SandboxSource) -> None:
    system = CATALOG.system("sandbox")
    verify = {**system.manifest.verify.model_dump(), "account": "{base_url}/{username}", "account_path": None}
    manifest = Manifest.model_validate({**system.manifest.model_dump(by_alias=True), "verify": verify})
    async with opened(sandbox, system=type(system)(manifest, {})) as adapter:
        fields = sandbox.connection_fields
        assert (await adapter.verify()).account_id == f"{fields['base_url']}/{fields['username']}"


def a_manifest(strategy: str, **options: str) -> Manifest:
    manifest = CATALOG.system("sandbox").manifest.model_dump()
    return Manifest.model_validate({**manifest, "auth": {"strategy": strategy, "options": options}})


def test_ways_to_log_in() -> None:
    values = {"token": "t", "username": "u", "password": "p", "key": "k", "secret": "s"}
    assert authorization(a_manifest("bearer"), values) == {"authorization": "Bearer t"}
    assert authorization(a_manifest("bearer", token="secret"), values) == {"authorization": "Bearer s"}
    assert authorization(a_manifest("basic"), values) == {"authorization": "Basic dTpw"}
    assert authorization(a_manifest("api_key", header="apikey"), values) == {"apikey": "k"}
    with pytest.raises(ConfigurationError, match="magic"):
        authorization(a_manifest("magic"), values)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("30", NOW + timedelta(seconds=30)),
        (str(int(NOW.timestamp()) + 60), NOW + timedelta(seconds=60)),
        (str((int(NOW.timestamp()) + 60) * 1000), NOW + timedelta(seconds=60)),
        ("1", NOW + timedelta(seconds=1)),
        (str(int(NOW.timestamp()) + 10**8), NOW + timedelta(hours=24)),
        ("soon", None),
        ("-5", None),
        ("nan", None),
    ],
)
def test_when_a_limit_is_reset(text: str, moment: datetime | None) -> None:
    assert moment_of_reset(text, NOW) == moment


async def test_rights_are_found_out_by_reading_one_record(sandbox: SandboxSource) -> None:
    needs = [Need(name, Verb.READ, tuple(FIELDS)) for name in ("parts", "vendors")]
    needs += [Need("parts", Verb.CREATE)]
    sandbox.fault(forbidden_objects=["vendors"], forbidden_fields={"parts": ["name"]})
    async with opened(sandbox) as adapter:
        found = await adapter.rights(needs)
    assert found == {needs[0]: Right(Grant.DENIED, ("name",)), needs[1]: Right(Grant.DENIED)}


async def test_rights_of_refused_credentials_are_no_rights(sandbox: SandboxSource) -> None:
    sandbox.fault(credentials="revoked")
    async with opened(sandbox) as adapter:
        evidence = await refused(lambda: adapter.rights([Need("parts", Verb.READ)]))
    assert evidence.outcome is Outcome.CREDENTIALS_REJECTED


async def test_when_credentials_end(sandbox: SandboxSource) -> None:
    async with opened(sandbox) as adapter:
        assert (await adapter.verify()).expires_at is None
        sandbox.fault(expires_at="2026-12-01T00:00:00Z")
        assert (await adapter.verify()).expires_at == datetime(2026, 12, 1, tzinfo=UTC)
        sandbox.fault(expires_at="soon")
        assert (await adapter.verify()).expires_at is None
