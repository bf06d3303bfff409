import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from lineshaft.cli.main import app
from lineshaft.common.integrations import Catalog, System


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["integrations", *arguments, "--folder", str(folder)])


@pytest.mark.parametrize("protocol", ["rest", "odata", "sql"])
def test_a_new_folder_loads_at_once_and_says_what_is_missing(tmp_path: Path, protocol: str) -> None:
    assert run(tmp_path, "new", "plant-book", "--protocol", protocol).exit_code == 0
    system = System.load(tmp_path / "plant-book")
    assert (system.manifest.protocol, system.entities) == (protocol, ("asset",))
    found = run(tmp_path, "validate", "plant-book")
    assert found.exit_code == 1
    manifest = (tmp_path / "plant-book/manifest.yaml").read_text().splitlines()
    marked = [number for number, line in enumerate(manifest, 1) if "TODO" in line]
    assert marked
    assert all(f"manifest.yaml:{number}: TODO: " in found.output for number in marked)
    assert "fixtures/assets.json: is missing" in found.output


def test_a_folder_is_never_written_over(tmp_path: Path) -> None:
    run(tmp_path, "new", "plantbook", "--protocol", "rest")
    again = run(tmp_path, "new", "plantbook", "--protocol", "sql")
    assert again.exit_code != 0
    assert "protocol: rest" in (tmp_path / "plantbook/manifest.yaml").read_text()
    assert run(tmp_path, "new", "../away", "--protocol", "rest").exit_code != 0
    assert not (tmp_path.parent / "away").exists()


@pytest.mark.parametrize(
    ("file", "line", "wrong", "message"),
    [
        (
            "manifest.yaml",
            "key: [id]",
            "kee: [id]",
            "objects.assets.kee: there is no such key; allowed are label, resource, key",
        ),
        (
            "manifest.yaml",
            "strategy: bearer",
            "strategy: oauth",
            "auth.strategy: there is no 'oauth' for rest; allowed are bearer, basic, api_key",
        ),
        (
            "manifest.yaml",
            "type: cursor,",
            "type: next_url,",
            "objects.assets.paging: parameter is for type offset or page or cursor, not for next_url",
        ),
        (
            "manifest.yaml",
            'account: "{account}"',
            'account: "{token}"',
            "verify.account: has token; allowed are account, base_url",
        ),
        (
            "mapping.yaml",
            "name: name",
            "nmae: name",
            "asset.fields.nmae: there is no unified field 'nmae'; did you mean name",
        ),
        (
            "mapping.yaml",
            "object: assets",
            "object: machines",
            "asset.object: there is no object 'machines' in the manifest; there are assets",
        ),
    ],
)
def test_each_fault_has_file_line_key_and_what_is_allowed(
    tmp_path: Path, file: str, line: str, wrong: str, message: str
) -> None:
    run(tmp_path, "new", "plantbook", "--protocol", "rest")
    path = tmp_path / "plantbook" / file
    text = path.read_text()
    number = next(at for at, one in enumerate(text.splitlines(), 1) if line in one)
    path.write_text(text.replace(line, wrong, 1))
    found = run(tmp_path, "validate")
    assert found.exit_code == 1
    assert f"{path}:{number}: {message}" in found.output


def test_several_faults_are_told_at_once(tmp_path: Path) -> None:
    run(tmp_path, "new", "plantbook", "--protocol", "rest")
    place = tmp_path / "plantbook"
    (place / "manifest.yaml").write_text(
        (place / "manifest.yaml").read_text().replace("id: plantbook", "id: other")
    )
    (place / "mapping.yaml").write_text(
        "asset: {object: assets, fields: {nmae: x}}\nvender: {object: assets}\n"
    )
    (place / "README.md").unlink()
    found = run(tmp_path, "validate").output
    for words in (
        "manifest.yaml:3: id: is 'other'",
        "mapping.yaml:1: asset.fields.nmae",
        "mapping.yaml:2: vender",
        "README.md: is missing",
    ):
        assert words in found


def test_expected_entities_are_written_only_from_records_that_fit(tmp_path: Path) -> None:
    run(tmp_path, "new", "plantbook", "--protocol", "rest")
    place = tmp_path / "plantbook"
    (place / "mapping.yaml").write_text(
        yaml.safe_dump({"asset": {"object": "assets", "fields": {"name": "name", "commissioned_on": "day"}}})
    )
    recorded = place / "fixtures/assets.json"
    recorded.write_text(
        '{"records_path": "data", "answer": {"data": [{"id": 1, "name": "Pump", "day": "yesterday"}]}}'
    )
    refused = run(tmp_path, "expect", "plantbook")
    assert refused.exit_code == 1
    assert "record 1: commissioned_on from day" in refused.output
    recorded.write_text(recorded.read_text().replace("yesterday", "2026-01-02"))
    assert run(tmp_path, "expect", "plantbook").exit_code == 0
    assert '"name": "Pump"' in (place / "fixtures/asset.expected.json").read_text()


@pytest.mark.parametrize(
    ("recorded", "fault"),
    [
        ({"records_path": "data", "answer": {"data": [{"id": 1}], "next_cursor": None}}, None),
        (
            {"records_path": "data", "answer": {"data": [{"id": 1}]}},
            "answer: has nothing at next_cursor, where the manifest's paging.next_path looks: keep it whole",
        ),
        (
            {"records_path": "items", "answer": {"items": [{"id": 1}], "next_cursor": "2"}},
            "records_path: is items, and the manifest says data",
        ),
        (
            {"answer": [{"id": 1}]},
            "records_path: is empty, and the manifest says data",
        ),
    ],
)
def test_where_the_manifest_looks_the_recorded_answer_has_something(
    tmp_path: Path, recorded: dict[str, Any], fault: str | None
) -> None:
    """A mistaken place of the next page would make the first page all that is ever read."""
    run(tmp_path, "new", "plantbook", "--protocol", "rest")
    file = tmp_path / "plantbook/fixtures/assets.json"
    file.write_text(json.dumps({"recorded_from": "a test", **recorded}))
    found = run(tmp_path, "validate").output
    told = [line for line in found.splitlines() if line.startswith(f"{file}: ")]
    assert told[:1] == ([] if fault is None else [f"{file}: {fault}"])


def test_the_folders_of_this_repository_are_valid() -> None:
    checkout = Path(__file__).parents[3]
    found = run(checkout / "integrations", "validate")
    assert found.exit_code == 0, found.output
    assert Catalog.load(checkout / "bench/integrations").systems, "what is measured loads, too"


def test_a_new_folder_asks_how_the_system_speaks(tmp_path: Path) -> None:
    asked = ["integrations", "new", "plantbook", "--folder", str(tmp_path)]
    assert CliRunner().invoke(app, asked, input="soap\nodata\n").exit_code == 0
    assert System.load(tmp_path / "plantbook").manifest.protocol == "odata"
