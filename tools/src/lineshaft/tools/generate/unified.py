import json

from lineshaft.common.unified import ENTITIES, ROUTES, fields_of
from lineshaft.common.unified.kinds import Kind, UnifiedField
from lineshaft.tools.generate.markdown import page, table


def unified_model_page() -> str:
    parts = [
        "Every entity, its route and its fields. `x_source` keeps the source's own code and label of `x`."
    ]
    for entity in ENTITIES:
        parts += [f"## {entity}", f"`GET /v1/{ROUTES[entity]}`, topic `entities.{entity}`", _fields(entity)]
    return page("The unified model", *parts)


def entity_schemas() -> dict[str, str]:
    """One JSON Schema per entity: the data of its events, and what the API returns."""
    return {
        f"entities/{name}.json": json.dumps(
            model.model_json_schema(mode="serialization"), indent=2, sort_keys=True
        )
        + "\n"
        for name, model in ENTITIES.items()
    }


def _fields(entity: str) -> str:
    return table(
        ["Field", "Kind", "Meaning"],
        [[f"`{field.name}`", _kind(field), field.description] for field in fields_of(entity).values()],
    )


def _kind(field: UnifiedField) -> str:
    values = field.kind.values
    return f"{field.kind}: {', '.join(values)}" if field.kind.kind is Kind.ENUMERATION else str(field.kind)
