"""The OData adapter against a service with SAP's habits, V2 and V4."""

from collections.abc import Iterator
from typing import Any

import pytest

from lineshaft.common.integrations import Manifest, System
from lineshaft.common.outcomes import Grant, Outcome, Verb
from lineshaft.common.unified import join_source_key
from lineshaft.connector.adapters.protocols.odata_literals import literal, moment_of
from lineshaft.connector.adapters.protocols.odata_metadata import UnusableMetadataError, parse_metadata
from lineshaft.connector.adapters.protocols.odata_requests import Addresses
from lineshaft.connector.adapters.protocols.odata_window import Place
from lineshaft.connector.adapters.protocols.paging import ForeignLinkError
from lineshaft.connector.adapters.protocols.window import Window
from lineshaft.connector.domain.evidence import Evidence
from lineshaft.connector.domain.protocol import Need, Right, WriteOperation

from .odata_source import SERVICE, ODataSource, metadata, serving
from .sql_source import CATALOG, opened, read_all, refused, rows

FIELDS = ["No", "Plant", "Name", "LastChangeDateTime"]


@pytest.fixture(params=[2, 4], ids=["v2", "v4"])
def source(request: pytest.FixtureRequest) -> Iterator[ODataSource]:
    plant = ODataSource(version=request.param)
    plant.fill(120)
    with serving(plant):
        yield plant


def system_of(source: ODataSource, resource: str = f"{SERVICE}/Machine", **options: Any) -> System:
    manifest = {
        "manifest": 1,
        "id": "plant",
        "label": "Plant",
        "protocol": "odata",
        "verification": "doc-derived",
        "evidence": ["a test"],
        "settings": [{"key": "base_url", "title": "A"}, {"key": "client", "title": "C"}],
        "credentials": [
            {"key": "username", "title": "U", "secret": False},
            {"key": "password", "title": "P"},
        ],
        "auth": {"strategy": "basic"},
        "verify": {
            "request": {"path": f"{SERVICE}/Machine?$top=1&$select=No"},
            "account": "{client}/{username}",
        },
        "options": {"version": source.version, "csrf": True, "parameters": {"sap-client": "client"}}
        | options,
        "objects": {
            "Machine": {
                "label": "Machines",
                "resource": resource,
                "key": ["No", "Plant"],
                "cursor": {"field": "LastChangeDateTime", "overlap_s": 60},
            }
        },
    }
    return System(Manifest.model_validate(manifest), {})


async def read_evidence(source: ODataSource, resource: str = f"{SERVICE}/Machine", **faults: Any) -> Evidence:
    source.faults = faults
    async with opened(source, system=system_of(source, resource)) as adapter:
        return await refused(lambda: adapter.read("Machine", FIELDS, None, 100))


async def test_who_it_is_and_what_it_has(source: ODataSource) -> None:
    async with opened(source, system=system_of(source)) as adapter:
        assert (await adapter.verify()).account_id == "100/reader"
        (machine,) = await adapter.describe(["Machine"])
    fields = {field.name: field for field in machine.fields}
    assert machine.label == "Machines"
    assert (fields["No"].label, fields["No"].type, fields["No"].required) == (
        "Equipment number",
        "String",
        True,
    )
    assert fields["Name"].label == "Description"
    assert fields["LastChangeDateTime"].readonly
    assert fields["YY1_Zone_MAC"].label == "Zone"
    assert (fields["to_Partner"].relation, fields["to_Partner"].stored) == ("PartnerType", False)


@pytest.mark.parametrize("limit", [7, 50, 60, 100, 120, 500])
async def test_all_records_once_whoever_cuts_the_pages(source: ODataSource, limit: int) -> None:
    async with opened(source, system=system_of(source)) as adapter:
        found, _ = await read_all(adapter, "Machine", FIELDS, limit=limit)
    assert [one["No"] for one in found] == sorted(no for no, _ in source.records)
    assert set(found[0]) == set(FIELDS), "no addresses, no tags"
    first = found[0]["LastChangeDateTime"]
    assert first == ("/Date(1793491200000+0000)/" if source.version == 2 else "2026-11-01T00:00:00Z")
    assert {one.headers.get("authorization") is not None for one in source.requests} == {True}


async def test_a_server_that_cuts_pages_and_gives_no_link(source: ODataSource) -> None:
    source.faults = {"most": 20}
    async with opened(source, system=system_of(source)) as adapter:
        found, _ = await read_all(adapter, "Machine", FIELDS, limit=100)
    assert [one["No"] for one in found] == sorted(no for no, _ in source.records)


async def test_keys_hold_where_records_go_in_between(source: ODataSource) -> None:
    async with opened(source, system=system_of(source)) as adapter:
        first = await adapter.read("Machine", FIELDS, None, 40)
        del source.records[f"{3:018d}", 1]
        source.put(f"{39:018d}", 2, "Same number, another plant", 1793491200)
        later, _ = await read_all(adapter, "Machine", FIELDS, first.cursor, limit=40)
    numbers = [(one["No"], one["Plant"]) for one in rows(first) + later]
    assert len(numbers) == len(set(numbers)) == 121
    assert (f"{39:018d}", 2) in numbers


async def test_changes_since_the_last_read(source: ODataSource) -> None:
    async with opened(source, system=system_of(source)) as adapter:
        _, cursor = await read_all(adapter, "Machine", FIELDS, limit=100)
        none, cursor = await read_all(adapter, "Machine", FIELDS, cursor)
        assert none == []
        source.put("O'Neill", 1, "New", 4_000_000_000)
        source.put("Z", 1, "New too", 4_000_000_000)
        changed, cursor = await read_all(adapter, "Machine", FIELDS, cursor, limit=1)
        assert [one["No"] for one in changed] == ["O'Neill", "Z"]
        source.faults = {"filter_ignored": True}
        ignored = await refused(lambda: adapter.read("Machine", FIELDS, cursor, 100))
    assert (ignored.outcome, ignored.code) == (Outcome.CONFIGURATION_ERROR, "filter_ignored")


@pytest.mark.parametrize(
    "link",
    [
        "http://attacker.example/collect?x=1",
        f"http://attacker.example{SERVICE}/Other?x=1",
        "../../else?x",
        f"{SERVICE}/Machine/../x",
    ],
)
async def test_a_link_that_leads_away_is_not_followed(source: ODataSource, link: str) -> None:
    evidence = await read_evidence(source, link=link)
    assert (evidence.outcome, evidence.code) == (Outcome.SOURCE_ERROR, "unusable_answer")


async def test_a_link_with_another_host_is_followed_on_ours(source: ODataSource) -> None:
    source.faults = {
        "link": f"http://attacker.example{SERVICE}/Machine?$select=No,Plant,Name,LastChangeDateTime&$skiptoken=50"
    }
    async with opened(source, system=system_of(source)) as adapter:
        page = await adapter.read("Machine", FIELDS, None, 500)
        source.faults = {}
        following = await adapter.read("Machine", FIELDS, page.cursor, 500)
    assert rows(following)[0]["No"] == f"{50:018d}"
    assert source.requests[-1].headers["host"] == f"127.0.0.1:{source.port}"


async def test_links_that_go_round_are_noticed(source: ODataSource) -> None:
    source.faults = {"cycle": {0: 50, 50: 100, 100: 0}}
    async with opened(source, system=system_of(source)) as adapter:
        evidence = await refused(lambda: read_all(adapter, "Machine", FIELDS, limit=500))
    assert (evidence.outcome, evidence.code) == (Outcome.SOURCE_ERROR, "page_repeated")
    assert len(source.requests) < 20


async def test_a_link_that_the_source_forgot_begins_the_read_anew_once(source: ODataSource) -> None:
    source.faults = {"tokens_expire": 1}
    async with opened(source, system=system_of(source)) as adapter:
        found, _ = await read_all(adapter, "Machine", FIELDS, limit=500)
        assert {one["No"] for one in found} == {no for no, _ in source.records}
        source.faults = {"tokens_expire": 100}
        evidence = await refused(lambda: read_all(adapter, "Machine", FIELDS, limit=500))
    assert evidence.http_status == 410


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        ({"logon_page": True}, (Outcome.CREDENTIALS_REJECTED, 200, "logon_page", "medium")),
        ({"answer": (403, "403", "Forbidden")}, (Outcome.PERMISSION_DENIED, 403, "403", "high")),
        ({"answer": (429, "429", "slow down")}, (Outcome.RATE_LIMITED, 429, "429", "high")),
        ({"answer": (500, "500", "dump")}, (Outcome.SOURCE_ERROR, 500, "500", "high")),
        ({"answer": (504, "504", "late")}, (Outcome.UNREACHABLE, 504, "504", "high")),
        ({"dropped": ["Name"]}, (Outcome.CONFIGURATION_ERROR, 200, "fields_missing", "high")),
        (
            {"doctype": "<!DOCTYPE a [<!ENTITY b 'c'>]>"},
            (Outcome.SOURCE_ERROR, 200, "unusable_answer", "medium"),
        ),
    ],
)
async def test_what_a_failure_comes_to(
    source: ODataSource, faults: dict[str, Any], expected: tuple[Outcome, int, str, str]
) -> None:
    evidence = await read_evidence(source, **faults)
    assert (evidence.outcome, evidence.http_status, evidence.code, evidence.confidence) == expected


async def test_wrong_credentials_and_wrong_names(source: ODataSource) -> None:
    async with opened(source, system=system_of(source), password="wrong") as adapter:
        assert (await refused(adapter.verify)).outcome is Outcome.CREDENTIALS_REJECTED
    async with opened(source, system=system_of(source)) as adapter:
        field = await refused(lambda: adapter.read("Machine", [*FIELDS, "Nope"], None))
        assert (field.outcome, field.http_status) == (Outcome.CONFIGURATION_ERROR, 400)
        assert "Nope" in (field.message or "")
    async with opened(source, system=system_of(source, f"{SERVICE}/Motor")) as adapter:
        unknown = await refused(lambda: adapter.describe(["Machine"]))
    assert (unknown.outcome, unknown.code) == (Outcome.CONFIGURATION_ERROR, "unknown_entity_set")


async def test_a_401_of_one_entity_set_is_a_question_of_rights(source: ODataSource) -> None:
    system = system_of(source)
    elsewhere = {**system.manifest.verify.model_dump(), "request": {"path": f"{SERVICE}/"}}
    manifest = Manifest.model_validate({**system.manifest.model_dump(), "verify": elsewhere})
    need = Need("Machine", Verb.READ, tuple(FIELDS))
    async with opened(source, system=System(manifest, {})) as adapter:
        assert await adapter.rights([need]) == {need: Right(Grant.GRANTED)}
        source.faults["unauthorized"] = "/Machine"
        refusal = await refused(lambda: adapter.read("Machine", FIELDS, None))
        assert (refusal.outcome, refusal.object) == (Outcome.PERMISSION_DENIED, "Machine")
        assert await adapter.rights([need]) == {need: Right(Grant.DENIED)}
        source.faults["unauthorized"] = "/"
        assert (await refused(lambda: adapter.read("Machine", FIELDS, None))).outcome is (
            Outcome.CREDENTIALS_REJECTED
        )


async def test_a_403_of_a_service_that_shows_nothing_at_all_is_told_with_doubt(source: ODataSource) -> None:
    async with opened(source, system=system_of(source)) as adapter:
        await adapter.describe(["Machine"])
    wrong = await read_evidence(source, "/sap/opu/odata/sap/API_WRONG/Machine")
    assert (wrong.outcome, wrong.http_status) == (Outcome.PERMISSION_DENIED, 403)
    assert wrong.confidence == "low"


async def test_writes_fetch_a_token_and_name_the_tag_they_saw(source: ODataSource) -> None:
    async with opened(source, system=system_of(source)) as adapter:
        new = {"No": "A/1", "Plant": 2, "Name": "Press"}
        created = await adapter.write("Machine", WriteOperation.CREATE, None, new)
        assert {"Name", "Plant"} <= created.values.keys() <= {*FIELDS, "YY1_Zone_MAC"}
        source.faults = {"token_lost": 1}
        await adapter.write("Machine", WriteOperation.UPDATE, created.source_id, {"Name": "Press 2"})
        assert source.records["A/1", 2]["Name"] == "Press 2"
        found = await adapter.find("Machine", FIELDS, {"No": "A/1", "Plant": 2})
        assert found is not None
        assert b"Press 2" in found[0]
        await adapter.write("Machine", WriteOperation.DELETE, created.source_id, {})
        assert ("A/1", 2) not in source.records
        source.faults = {"token_lost": 100}
        tried = len(source.written())
        refusal = await refused(lambda: adapter.write("Machine", WriteOperation.CREATE, None, new))
    assert refusal.http_status == 403
    assert len(source.written()) == tried + 2, "one more try, no more"


async def test_a_record_that_changed_meanwhile_is_not_overwritten(source: ODataSource) -> None:
    source.faults = {"changed_meanwhile": True}
    async with opened(source, system=system_of(source)) as adapter:
        refusal = await refused(
            lambda: adapter.write(
                "Machine", WriteOperation.UPDATE, join_source_key([f"{0:018d}", 1]), {"Name": "X"}
            )
        )
        too_long = await refused(
            lambda: adapter.write(
                "Machine", WriteOperation.CREATE, None, {"No": "B", "Plant": 1, "Name": "x" * 41}
            )
        )
    assert (refusal.outcome, refusal.http_status) == (Outcome.INVALID_REQUEST, 412)
    assert source.records[f"{0:018d}", 1]["Name"] == "Machine 0"
    assert (too_long.outcome, too_long.code) == (Outcome.INVALID_REQUEST, "ASSERT_DATA_TYPE")


@pytest.mark.parametrize(
    ("value", "edm_type", "v2", "v4"),
    [
        ("O'Neill", "Edm.String", "'O''Neill'", "'O''Neill'"),
        (7, "Edm.Int64", "7L", "7"),
        ("1.50", "Edm.Decimal", "1.50M", "1.50"),
        (True, "Edm.Boolean", "true", "true"),
        (
            "/Date(1795381200000+0060)/",
            "Edm.DateTimeOffset",
            "datetimeoffset'2026-11-22T21:00:00Z'",
            "2026-11-22T21:00:00Z",
        ),
        ("/Date(253402214400000)/", "Edm.DateTime", "datetime'9999-12-31T00:00:00'", "9999-12-31T00:00:00Z"),
        (
            "5f1a0d6e-0000-4000-8000-000000000001",
            "Edm.Guid",
            "guid'5f1a0d6e-0000-4000-8000-000000000001'",
            "5f1a0d6e-0000-4000-8000-000000000001",
        ),
    ],
)
def test_values_in_addresses(value: Any, edm_type: str, v2: str, v4: str) -> None:
    assert (literal(value, edm_type, 2), literal(value, edm_type, 4)) == (v2, v4)


@pytest.mark.parametrize(
    ("value", "edm_type"),
    [("1 or 1 eq 1", "Edm.Int32"), ("x') or (1 eq 1", "Edm.Guid"), ("soon", "Edm.DateTime")],
)
def test_a_value_of_another_type_is_refused(value: str, edm_type: str) -> None:
    with pytest.raises(ValueError, match="is no"):
        literal(value, edm_type, 2)


def test_moments_that_are_none() -> None:
    assert moment_of("/Date(99999999999999999)/") is None
    assert moment_of(None) is None


@pytest.mark.parametrize(
    "document",
    [b"<a/>", b"no xml", b"<a>" * 40 + b"</a>" * 40, metadata({"doctype": "<!DOCTYPE a>"}).encode()],
)
def test_metadata_that_is_none(document: bytes) -> None:
    with pytest.raises(UnusableMetadataError):
        parse_metadata(document)


def test_one_company_is_one_account_and_stands_in_every_address() -> None:
    """Business Central's own manifest: the service lies above the company, and the server cuts the pages."""
    manifest = CATALOG.system("business_central").manifest
    company = "f7a5738a-44e3-4a11-bb43-000d3a2feca1"
    addresses = Addresses(manifest, {"base_url": "https://bc.example/BC/", "company": company})
    asked = addresses.page("vendors", parse_metadata(metadata({}).encode()), Window(), fields=["id"], size=50)
    assert asked == (f"https://bc.example/BC/api/v2.0/companies({company})/vendors?$select=id&$orderby=id")
    assert (
        addresses.whole(f"{addresses.service('vendors')}/$metadata")
        == "https://bc.example/BC/api/v2.0/$metadata"
    )
    other = addresses.filled("/companies({company})/vendors").replace("f7a5", "0000")
    with pytest.raises(ForeignLinkError):
        addresses.rebased("vendors", f"https://bc.example/BC/api/v2.0{other}?$skiptoken=1", asked)


def test_equipment_is_read_as_it_is_now() -> None:
    """SAP keeps one record for each period of an equipment; the plain number is what orders refer to."""
    manifest = CATALOG.system("sap_s4hana").manifest
    addresses = Addresses(manifest, {"base_url": "https://sap.example", "client": "100"})
    window = Window(position=Place(after=["000000000010000045"]).dump())
    asked = addresses.page(
        "Equipment", parse_metadata(metadata({}).encode()), window, fields=["Equipment"], size=5
    )
    assert "(ValidityEndDate%20eq%20datetime'9999-12-31T00:00:00')" in asked
    assert "(Equipment%20gt%20'000000000010000045')" in asked
    assert asked.endswith("&$top=5&sap-client=100")


def test_stock_is_gone_through_by_all_that_tells_it_apart() -> None:
    """The longest key there is makes the longest address; gateways take 8 kB."""
    manifest = CATALOG.system("sap_s4hana").manifest
    addresses = Addresses(manifest, {"base_url": "https://sap.example", "client": "100"})
    key = manifest.objects["MaterialStock"].key
    window = Window(position=Place(after=["000000000000000021"] * len(key)).dump())
    described = parse_metadata(metadata({}).encode())
    asked = addresses.page("MaterialStock", described, window, fields=key, size=500)
    assert "(Material%20eq%20'000000000000000021'%20and%20Plant%20gt%20'000000000000000021')" in asked
    assert len(asked) < 6_000
