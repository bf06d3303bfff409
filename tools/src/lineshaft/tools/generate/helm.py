"""The settings of each service in the schema of the Helm chart's values, and the page about all values."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from lineshaft.common.settings import LinkSettings, Settings
from lineshaft.tools.generate.markdown import page, table
from lineshaft.tools.generate.settings import SERVICES, variable

SCHEMA = Path("deploy/helm/lineshaft/values.schema.json")
VALUES = SCHEMA.with_name("values.yaml")

OWN_SETTINGS = {"fetch_wait_ms", "postgres_pool_size", "session_seconds", "watchdog_seconds"}
"""Of those that all services share, the ones that the chart has no value of its own for."""
_NOT_IN_VALUES = (set(Settings.model_fields) | set(LinkSettings.model_fields)) - OWN_SETTINGS
_KEPT = {"type", "minimum", "maximum", "exclusiveMinimum", "enum", "description"}


def values_schema(checkout: Path) -> str:
    """The chart's schema as it is, with the settings of the services renewed."""
    schema = json.loads((checkout / SCHEMA).read_text(encoding="utf-8"))
    for service, model in SERVICES.items():
        schema["$defs"][f"{service}-settings"] = {
            "type": "object",
            "description": "Its settings, by environment variable.",
            "additionalProperties": False,
            "properties": dict(_settings(model)),
        }
    return json.dumps(schema, indent=2) + "\n"


def _settings(model: type[Settings]) -> Iterator[tuple[str, dict[str, Any]]]:
    described = model.model_json_schema(by_alias=False)["properties"]
    for name, field in model.model_fields.items():
        secret = "SecretStr" in str(field.annotation)
        if secret or name in _NOT_IN_VALUES:
            continue
        rules = {key: value for key, value in described[name].items() if key in _KEPT}
        if rules.get("type") not in {"integer", "number", "boolean"}:
            rules = {"type": "string", "description": rules["description"]}
        yield variable(name), rules


def values_page(checkout: Path) -> str:
    schema = json.loads(values_schema(checkout))
    values = yaml.safe_load((checkout / VALUES).read_text(encoding="utf-8"))
    rows = list(_rows(schema, values, schema["$defs"], ()))
    return page(
        "Values of the Helm chart",
        "The chart is `deploy/helm/lineshaft`; how to use it: "
        "[deploy on Kubernetes](../howto/deploy-on-kubernetes.md). `services.<service>.settings` takes every "
        "[setting](settings.md) of that service that has no value of its own here and is no secret.",
        table(["Value", "Default", "Meaning"], rows),
    )


def _rows(
    part: Mapping[str, Any], values: Any, definitions: Mapping[str, Any], path: tuple[str, ...]
) -> Iterator[list[str]]:
    for name, given in part["properties"].items():
        child = definitions[given["$ref"].rpartition("/")[2]] if "$ref" in given else given
        value = values.get(name) if isinstance(values, dict) else None
        where = (*path, name)
        if child.get("properties") and name != "settings":
            yield from _rows(child, value, definitions, where)
        elif name != "global":
            default = json.dumps(value) if value not in ("", None) else ""
            yield [f"`{'.'.join(where)}`", f"`{default}`" if default else "", child["description"]]
