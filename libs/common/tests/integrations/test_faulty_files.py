"""Each thing that can be wrong in the files of a folder: named by line and key, with what is allowed."""

from pathlib import Path

import pytest

from lineshaft.common.integrations import IntegrationError, System

MANIFEST = """\
manifest: 1
id: plantbook
label: Plantbook
protocol: rest
verification: real
evidence: [made up for this test]
settings:
  - {key: base_url, title: Address, type: url}
credentials:
  - {key: username, title: User, secret: false}
  - {key: password, title: Password}
auth:
  strategy: basic
verify:
  request: {path: /me}
  account: "{account}"
  account_path: account.id
options:
  errors: {code_path: error.code}
errors:
  - when: {status: 403, path: error.code}
    outcome: permission_denied
objects:
  assets:
    label: Assets
    resource: /assets
    paging: {type: none}
    cursor: {field: changed, parameter: since}
"""
MAPPING = """\
asset:
  object: assets
  fields:
    name: name
    status: {path: state, value_map: states}
  value_maps:
    states: {running: in_service}
"""


def faults(tmp_path: Path, manifest: str | bytes = MANIFEST, mapping: str = MAPPING) -> list[str]:
    place = tmp_path / "plantbook"
    place.mkdir()
    (place / "manifest.yaml").write_bytes(manifest if isinstance(manifest, bytes) else manifest.encode())
    (place / "mapping.yaml").write_text(mapping)
    try:
        System.load(place)
    except IntegrationError as error:
        return [str(one).removeprefix(f"{place}/") for one in error.faults]
    return []


def test_the_files_are_sound(tmp_path: Path) -> None:
    assert faults(tmp_path) == []


QUOTES = "has to be a text; YAML reads it as {}: put it in quotes"
OF_BOOLEANS, OF_NUMBERS, OF_DATES = (QUOTES.format(kind) for kind in ("true or false", "a number", "a date"))


@pytest.mark.parametrize(
    ("written", "wrong", "fault"),
    [
        # what YAML takes for something else
        ("id: plantbook", "id: no", f"2: id: {OF_BOOLEANS}"),
        ("[made up for this test]", "[2026-11-24]", f"6: evidence.0: {OF_DATES}"),
        ("resource: /assets", "resource: 7", f"26: objects.assets.resource: {OF_NUMBERS}"),
        ("  assets:", "  on:", "24: YAML reads the key on as true: put it in quotes"),
        ("  assets:", "  12:", f"24: objects.12: {OF_NUMBERS}"),
        ("since}", "since, overlap_s: 1:30}", "28: YAML reads 1:30 as 90: put it in quotes, or write"),
        ("since}", "since, overlap_s: 010}", "28: YAML reads 010 as 8: put it in quotes, or write"),
        ("label: Plantbook", "label: !!python/name:os.system x", "3: could not determine a constructor"),
        ("label: Plantbook", "label: *none", "3: found undefined alias 'none'"),
        ("label: Plantbook", "\tlabel: Plantbook", "3: while scanning for the next token found character"),
        ("label: Plantbook", "label: P\n---\nx: y", "4: expected a single document in the stream"),
        # shapes
        ("evidence: [made up for this test]", "evidence: x", "6: evidence: has to be a list, such as [a, b]"),
        ("  errors: {code_path: error.code}", "  errors: [1]", "19: options.errors: has to be keys with"),
        ("secret: false", "secret: perhaps", "10: credentials.0.secret: Input should be a valid boolean"),
        ("status: 403", "status: 4030", "21: errors.0.when.status: Input should be less than or equal"),
        # keys that are not there
        (
            "strategy: basic",
            "strategy: basic\n  options: {usr: x}",
            "14: auth.options.usr: there is no such key",
        ),
        ("{path: /me}", "{pth: /me}", "15: verify.request.pth: there is no such key; allowed are path"),
        (
            "  errors: {code",
            "  erors: {code",
            "19: options.erors: there is no such key; allowed are errors, ",
        ),
        (
            "code_path:",
            "cod_path:",
            "19: options.errors.cod_path: there is no such key; allowed are code_path",
        ),
        (
            "options:\n",
            "options:\n  update_method: PUTT\n",
            "19: options.update_method: Input should be 'PATCH'",
        ),
        # names that lead nowhere
        (
            "strategy: basic",
            "strategy: bearer",
            "13: auth.strategy: there is no credential 'token'",
        ),
        (
            "strategy: basic",
            "strategy: header\n  options: {template: '{key}'}",
            "14: auth.options.template: there is no credential 'key'; there are username, password",
        ),
        (
            "options:\n",
            "options:\n  headers: {x-plant: plant}\n",
            "19: options.headers.x-plant: there is no setting 'plant'; there are base_url",
        ),
        ("key: base_url", "key: address", "7: settings: there is no base_url, which rest needs"),
        ('"{account}"', '"{password}"', "16: verify.account: has password; allowed are account, base_url"),
        ('"{account}"', '"plant"', "16: verify.account: names nothing; allowed are account, base_url"),
        ("  account_path: account.id\n", "", "16: verify.account: needs account_path"),
        (
            "parameter: since",
            "parameter: since, format: local",
            "28: objects.assets.cursor.format: needs a setting timezone",
        ),
        (
            "/assets",
            "/{org}/assets",
            "26: objects.assets.resource: there is no setting 'org'; there are base_url",
        ),
        ("{path: /me}", '{path: "/{org}/me"}', "15: verify.request.path: there is no setting 'org'"),
        # paths, addresses, templates
        ("account.id", "account..id", "17: verify.account_path: expected a name at position 8"),
        (
            "{code_path: error.code}",
            "{code_path: error..code}",
            "19: options.errors.code_path: expected a name",
        ),
        ("/assets", "/assets\n    records_path: .x", "27: objects.assets.records_path: expected a name"),
        ("/assets", "https://elsewhere.example/", "26: objects.assets.resource: has to begin with /"),
        ("{path: /me}", "{path: me}", "15: verify.request.path: has to begin with /"),
        (
            "since}",
            'since, template: "gt {sicne}"}',
            "28: objects.assets.cursor.template: holds {since} once",
        ),
        ("type: url", 'type: url, pattern: "[a-"', "8: settings.0.pattern: is no regular expression"),
        ("type: url", "type: url, default: 5", "8: settings.0: the default of a url is a text"),
        (
            "type: url",
            "type: choice, choices: [a], default: b",
            "8: settings.0: the default 'b' is none of a",
        ),
        (
            "verify:\n",
            "not_read: {metre: x}\nverify:\n",
            "14: not_read.metre: there is no such entity; there are site, location",
        ),
        ("verify:\n", "not_read: {asset: x}\nverify:\n", "14: not_read.asset: is filled by mapping.yaml"),
        # what a request cannot say
        (", parameter: since", "", "28: objects.assets.cursor: needs parameter"),
        (
            "/assets",
            "/assets\n    filter: {open: no}",
            "27: objects.assets.filter.open: has to be a text, a number",
        ),
        ("/assets", "/assets\n    filter: [a]", "27: objects.assets.filter: has to be parameters"),
        (
            "/assets",
            "/assets\n    record: {query: {all: 1}}",
            f"27: objects.assets.record.query.all: {OF_NUMBERS}",
        ),
        (
            "/assets",
            "/assets\n    write: {apart: {state: state}}",
            "27: objects.assets.write.apart.state: has to begin with /",
        ),
    ],
)
def test_a_fault_of_a_manifest(tmp_path: Path, written: str, wrong: str, fault: str) -> None:
    assert written in MANIFEST
    found = faults(tmp_path, MANIFEST.replace(written, wrong, 1))
    assert [one for one in found if one.startswith(f"manifest.yaml:{fault}")], found


@pytest.mark.parametrize(
    ("manifest", "fault"),
    [
        ("", "1: has to be keys with values; allowed are manifest, id, label"),
        ("hello", "1: has to be keys with values; allowed are manifest, id, label"),
        (b"\xff\xfe\x00", "1: is no text in UTF-8"),
    ],
)
def test_what_is_no_manifest_at_all(tmp_path: Path, manifest: str | bytes, fault: str) -> None:
    assert faults(tmp_path, manifest)[0].startswith(f"manifest.yaml:{fault}")


@pytest.mark.parametrize(
    ("written", "wrong", "fault"),
    [
        (
            "name: name",
            "name: no",
            "4: asset.fields.name: has to be keys with values; allowed are path, const",
        ),
        ("name: name", "name: name..x", "4: asset.fields.name.path: expected a name at position 5"),
        ("name: name", "name: {expr: 'a ||'}", "4: asset.fields.name.expr: "),
        ("name: name", "name: {path: name, transform: [upper_cse]}", "4: asset.fields.name.transform"),
        (
            "value_map: states",
            "value_map: state",
            "5: asset.fields.status.value_map: there is no value map 'state'",
        ),
        (
            "running: in_service",
            "running: in_servise",
            "7: asset.value_maps.states.running: 'in_servise' is none",
        ),
        ("running: in_service", "no: in_service", "7: YAML reads the key no as false: put it in quotes"),
        ("  fields:", "  feilds:", "3: asset.feilds: there is no such key; allowed are comment, timezone"),
    ],
)
def test_a_fault_of_a_mapping(tmp_path: Path, written: str, wrong: str, fault: str) -> None:
    found = faults(tmp_path, mapping=MAPPING.replace(written, wrong, 1))
    assert [one for one in found if one.startswith(f"mapping.yaml:{fault}")], found


@pytest.mark.parametrize(
    ("protocol", "options", "fault"),
    [
        ("odata", "  version: 3\n", "19: options.version: Input should be 2 or 4"),
        (
            "odata",
            "  servce: /api\n",
            "19: options.servce: there is no such key; allowed are version, service",
        ),
        ("odata", "  parameters: {c: client}\n", "19: options.parameters.c: there is no setting 'client'"),
        (
            "sql\ndialect: mariadb",
            "  version: 3\n",
            "20: options.version: there is no such key; leave it out",
        ),
    ],
)
def test_each_protocol_has_options_of_its_own(
    tmp_path: Path, protocol: str, options: str, fault: str
) -> None:
    manifest = MANIFEST.replace("protocol: rest", f"protocol: {protocol}")
    found = faults(tmp_path, manifest.replace("  errors: {code_path: error.code}\n", options))
    assert [one for one in found if one.startswith(f"manifest.yaml:{fault}")], found
