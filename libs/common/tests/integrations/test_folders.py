"""The contract of every folder under `integrations/`."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from lineshaft.common.integrations import Catalog, System
from lineshaft.common.mapping import MappingContext, compile_mapping
from lineshaft.common.mapping.paths import compile_path, parse_path
from lineshaft.common.outcomes import Operation, Outcome
from lineshaft.common.unified import join_source_key, model_of

INTEGRATIONS = Path(
    os.environ.get("LINESHAFT_INTEGRATIONS_DIR") or Path(__file__).parents[4] / "integrations"
)
HEADINGS = ("What you get", "Set up", "Reconnect", "Limits", "Troubleshooting")
FORBIDDEN_IN_FIXTURES = ("/home/", "/Users/", '"Authorization"', "Authorization:", "Session ")

SYSTEMS = [place.parent.name for place in sorted(INTEGRATIONS.glob("*/manifest.yaml"))]
WITH_ENTITIES = [(name, entity) for name in SYSTEMS for entity in System.load(INTEGRATIONS / name).entities]


def _fixture(system: str, name: str) -> Any:
    return json.loads((INTEGRATIONS / system / "fixtures" / name).read_text(encoding="utf-8"))


def _records(system: str, name: str) -> list[dict[str, Any]]:
    fixture = _fixture(system, f"{name}.json")
    path, answer = fixture.get("records_path"), fixture["answer"]
    records: list[dict[str, Any]] = compile_path(parse_path(path))(answer) if path else answer
    return records


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog.load(INTEGRATIONS)


def test_there_are_systems() -> None:
    assert SYSTEMS


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_readme_has_the_headings_that_people_look_for(name: str) -> None:
    lines = (INTEGRATIONS / name / "README.md").read_text(encoding="utf-8").splitlines()
    headings = [line.removeprefix("## ") for line in lines if line.startswith("## ")]
    assert [heading for heading in headings if heading in HEADINGS] == list(HEADINGS)


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_object_that_is_read_has_a_recorded_answer(catalog: Catalog, name: str) -> None:
    for source_object in catalog.system(name).objects_for():
        fixture = _fixture(name, f"{source_object}.json")
        assert fixture["recorded_from"], "each fixture names its source"
        assert _records(name, source_object)


@pytest.mark.parametrize("name", SYSTEMS)
def test_reads_request_keys_and_cursors(catalog: Catalog, name: str) -> None:
    system = catalog.system(name)
    for object_name, described in system.manifest.objects.items():
        fields = system.source_fields_for(object_name)
        assert set(described.key) <= set(fields)
        assert described.cursor is None or described.cursor.field in fields


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_account_is_made_from_known_names(catalog: Catalog, name: str) -> None:
    manifest = catalog.system(name).manifest
    from_login = {"user_id", "account"}
    known = {one.key for one in manifest.settings} | {one.key for one in manifest.credentials} | from_login
    assert manifest.verify.placeholders
    assert set(manifest.verify.placeholders) <= known - set(manifest.secrets)


@pytest.mark.parametrize(("name", "entity"), WITH_ENTITIES)
def test_fixtures_map_to_the_expected_entities(catalog: Catalog, name: str, entity: str) -> None:
    system = catalog.system(name)
    expected = _fixture(name, f"{entity}.expected.json")
    source_object = system.object_of(entity)
    mapping = compile_mapping(entity, system.default_mapping(entity), MappingContext())
    documents = []
    for record in _records(name, source_object):
        source_id = join_source_key([record[key] for key in system.object(source_object).key])
        mapped = mapping.apply(expected["connection_id"], source_id, record, expected["observed_at"])
        assert mapped.errors == []
        documents.append(mapped.document)
        model_of(entity).model_validate({**mapped.document, "revision": 1})
    assert documents == expected["documents"]


@pytest.mark.parametrize(("name", "entity"), WITH_ENTITIES)
def test_recorded_answers_have_what_the_mapping_reads(catalog: Catalog, name: str, entity: str) -> None:
    system = catalog.system(name)
    source_object = system.object_of(entity)
    asked = json.dumps(_fixture(name, f"{source_object}.json")["request"])
    for field in system.source_fields_for(source_object):
        assert f'"{field}"' in asked, f"record {source_object} again: the mapping reads {field}"


@pytest.mark.parametrize("name", SYSTEMS)
def test_recorded_refusals_are_classified_by_the_manifest(catalog: Catalog, name: str) -> None:
    """Those that the protocol classifies by its own table are in the connector's tests."""
    rules = catalog.system(name).manifest.errors
    cases = _fixture(name, "errors.json")["cases"]
    assert cases
    for case in (one for one in cases if one.get("by") != "protocol"):
        answer = case["body"] if isinstance(case["body"], dict) else {}
        operation = Operation(case["operation"])
        outcomes = [rule.outcome for rule in rules if rule.when.fits(case["status"], answer, operation)]
        assert outcomes[:1] == [Outcome(case["outcome"])], case["case"]


@pytest.mark.parametrize("name", SYSTEMS)
def test_fixtures_are_clean(name: str) -> None:
    for file in (INTEGRATIONS / name / "fixtures").iterdir():
        text = file.read_text(encoding="utf-8")
        assert not [trace for trace in FORBIDDEN_IN_FIXTURES if trace in text], file.name


def test_the_folder_that_only_benchmarks_have_is_valid() -> None:
    assert Catalog.load(Path(__file__).parents[4] / "bench" / "integrations").systems
