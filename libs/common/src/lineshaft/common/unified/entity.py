"""The envelope that every unified entity carries."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from lineshaft.common.unified.values import Timestamp

DeletionKind = Literal["native", "absent", "archived"]


class Entity(BaseModel):
    """What is common to all entities; the fields of one kind follow in its subclass.

    `id`, `entity`, `connection_id` and `source_id` never change for a record. `revision` rises by one
    for each changed content, so a consumer can ignore a lower one.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)

    id: str
    """Derived from the connection, the entity and the source id: see `entity_id`."""
    entity: str
    connection_id: str
    source_id: str
    """The key in the source system; the parts of a composite key are joined by a slash."""
    revision: int = 1
    number: str | None = None
    """The number people use for it."""
    display: str | None = None
    """One line that tells people what it is."""
    source_url: str | None = None
    created_at: Timestamp | None = None
    """When it was created in the source system."""
    updated_at: Timestamp | None = None
    """When it was last changed in the source system."""
    observed_at: Timestamp
    """When Lineshaft read it."""
    deleted_at: Timestamp | None = None
    deletion_kind: DeletionKind | None = None
    """How the deletion was seen: reported by the source, missing from a full read, or archived."""
    custom_fields: dict[str, JsonValue] = {}
    mapping_version: int = 0


class CustomObject(Entity):
    """A record of an object that is no unified entity; all of its values are custom fields."""

    entity: Literal["custom"] = "custom"
    object: str
    """The name the object was registered with."""


ASSIGNED_FIELDS = frozenset(
    {
        "id",
        "entity",
        "object",
        "connection_id",
        "source_id",
        "revision",
        "observed_at",
        "deletion_kind",
        "custom_fields",
        "mapping_version",
    }
)
"""Envelope fields that Lineshaft fills; a mapping cannot."""
