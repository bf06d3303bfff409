"""What editors are told about a folder's files."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from lineshaft.tools.generate.integrations import integration_schemas

INTEGRATIONS = Path(__file__).parents[3] / "integrations"
SCHEMAS = {name: json.loads(text) for name, text in integration_schemas().items()}
FILES = sorted(INTEGRATIONS.glob("*/m*.yaml"))


def mistakes(kind: str, content: Any) -> list[str]:
    schema = SCHEMAS[f"integrations/{kind}.schema.json"]
    return [one.message for one in jsonschema.Draft202012Validator(schema).iter_errors(content)]


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_every_file_fits(file: Path) -> None:
    assert mistakes(file.stem, yaml.safe_load(file.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    ("system", "changes", "mistake"),
    [
        ("sandbox", {"options": {"erors": {}}}, "'erors' was unexpected"),
        ("sandbox", {"auth": {"strategy": "basic", "options": {"usr": "x"}}}, "'usr' was unexpected"),
        ("sap_s4hana", {"options": {"headers": {}}}, "'headers' was unexpected"),
        ("fiix", {"options": {"update_method": "PUT"}}, "'update_method' was unexpected"),
    ],
)
def test_options_are_those_of_the_protocol(system: str, changes: dict[str, Any], mistake: str) -> None:
    manifest = yaml.safe_load((INTEGRATIONS / system / "manifest.yaml").read_text(encoding="utf-8"))
    (found,) = mistakes("manifest", manifest | changes)
    assert mistake in found
