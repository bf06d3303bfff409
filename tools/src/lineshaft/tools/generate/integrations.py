"""What each source system can do, and the JSON Schemas of its files for editors."""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from lineshaft.common.integrations import Catalog, Manifest, System
from lineshaft.common.integrations.manifest import SourceObject
from lineshaft.common.integrations.oauth import OAUTH_STRATEGIES, OAuthOptions
from lineshaft.common.integrations.options import LOGIN_OPTIONS, OPTIONS
from lineshaft.common.integrations.system import MappingFile
from lineshaft.common.unified import ENTITIES
from lineshaft.tools.generate.markdown import page, table

ENTITIES_OF_SYSTEMS = (
    "Which entities each system fills by default, and of those that it is known to have the ones that are"
    " left out, with the reason. `postgresql` and `mariadb` have what your tables have."
)
INTRODUCTION = (
    "What the connector can do with each system. `real` was tested against the system itself,"
    " `vendor-spec` against its vendor's specification, `doc-derived` from texts only."
    " Without `incremental`, each sync reads everything."
)


def integrations_page(checkout: Path) -> str:
    catalog = Catalog.load(checkout / "integrations")
    parts = [INTRODUCTION, "## Entities", ENTITIES_OF_SYSTEMS, _entities(catalog)]
    for name, system in catalog.systems.items():
        parts += [f"## {system.manifest.label}", _about(name, system), _objects(system)]
    return page("Source systems", *parts)


def _entities(catalog: Catalog) -> str:
    systems = catalog.systems.items()
    return table(
        ["Entity", "From", "Not read"],
        [
            [
                f"`{entity}`",
                ", ".join(f"`{name}`" for name, system in systems if entity in system.entities),
                "; ".join(
                    f"`{name}`: {system.manifest.not_read[entity]}"
                    for name, system in systems
                    if entity in system.manifest.not_read
                ),
            ]
            for entity in ENTITIES
        ],
    )


def integration_schemas() -> dict[str, str]:
    return {
        f"integrations/{name}.schema.json": json.dumps(
            {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}, indent=2, sort_keys=True
        )
        + "\n"
        for name, schema in (("manifest", _manifest_schema()), ("mapping", MappingFile.model_json_schema()))
    }


def _manifest_schema() -> dict[str, Any]:
    """With the options that each protocol and way to log in has."""
    schema = Manifest.model_json_schema()
    conditions = []
    for protocol, model in OPTIONS.items():
        name, _, dialect = protocol.partition("/")
        given = {"protocol": {"const": name}} | ({"dialect": {"const": dialect}} if dialect else {})
        others = {"required": ["dialect"]} if dialect else {"not": {"required": ["dialect"]}}
        conditions.append(_condition(schema, {"properties": given, **others}, "options", model))
    logins: dict[str, type[BaseModel]] = {**LOGIN_OPTIONS}
    logins |= dict.fromkeys(OAUTH_STRATEGIES, OAuthOptions)
    for strategy, model in logins.items():
        named = {"properties": {"strategy": {"const": strategy}}}
        login = schema["$defs"]["Auth"]
        login.setdefault("allOf", []).append(_condition(schema, named, "options", model))
    return schema | {"allOf": conditions}


def _condition(schema: dict[str, Any], given: Any, key: str, model: type[BaseModel]) -> dict[str, Any]:
    described = model.model_json_schema(ref_template="#/$defs/{model}")
    schema["$defs"] |= described.pop("$defs", {}) | {model.__name__: described}
    return {"if": given, "then": {"properties": {key: {"$ref": f"#/$defs/{model.__name__}"}}}}


def _about(name: str, system: System) -> str:
    manifest = system.manifest
    protocol = "/".join(filter(None, (manifest.protocol, manifest.dialect)))
    return (
        f"`integrations/{name}`, {protocol}, verification **{manifest.verification}**:"
        f" {'; '.join(manifest.evidence)}"
    )


def _objects(system: System) -> str:
    return table(
        ["Object", "Entities", "Read", "Incremental", "Create", "Update", "Delete"],
        [
            [f"`{name}`", ", ".join(system.entities_for(name)), *_capabilities(described)]
            for name, described in system.manifest.objects.items()
        ],
    )


def _capabilities(described: SourceObject) -> list[str]:
    write = described.write
    can = (True, described.cursor is not None, write.create, write.update, write.delete)
    return ["yes" if one else "" for one in can]
