"""Bounded metric labels for what customers name."""


def entity_label(entity: str) -> str:
    """`custom` for every custom object."""
    return entity.partition(":")[0]


def field_label(field: str) -> str:
    """`custom_fields` for every custom field."""
    return "custom_fields" if field.startswith("custom_fields.") else field
