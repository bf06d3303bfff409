"""From changes of a source object to what is told of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from lineshaft.common.events.drift import DriftedEntity, HurtField, MappingDrifted, SchemaChanged
from lineshaft.common.mapping import MappingDefinition
from lineshaft.common.mapping.drift import holds, hurt_fields, offered_fields
from lineshaft.common.outcomes import Move

MOST_WORDS = 5


@dataclass(frozen=True, slots=True)
class Mapped:
    """A definition in force that reads from the object."""

    entity: str
    version: int
    definition: MappingDefinition


def drifted(change: SchemaChanged, mapped: Sequence[Mapped]) -> MappingDrifted:
    """The mapping is the vendor's, so the move is; a change that hurts nothing asks for none."""
    entities = [
        DriftedEntity(
            entity=one.entity,
            mapping_version=one.version,
            fields=hurt_fields(one.definition, change.changes),
        )
        for one in mapped
    ]
    hurt = [(one.entity, field) for one in entities for field in one.fields]
    held = holds(change.policy, [field for _, field in hurt])
    offered = offered_fields([one.definition for one in mapped], change.changes)
    return MappingDrifted(
        connection_id=change.connection_id,
        system=change.system,
        object=change.object,
        at=change.at,
        policy=change.policy,
        held=held,
        changes=change.changes,
        entities=entities,
        offered=offered,
        move=Move.VENDOR if hurt else Move.NOBODY,
        summary=_summary(change, hurt, offered),
        action=_action(change.object, hurting=bool(hurt), held=held),
    )


def _summary(change: SchemaChanged, hurt: Sequence[tuple[str, HurtField]], offered: Sequence[str]) -> str:
    parts = [f"{_place(entity, field)}: {field.reason}" for entity, field in hurt]
    if offered:
        parts.append(f"new: {', '.join(offered[:MOST_WORDS])}")
    if not parts:
        parts = [f"{one.field} {one.kind}, which hurts no mapping" for one in change.changes]
    more = f"; and {len(parts) - MOST_WORDS} more" if len(parts) > MOST_WORDS else ""
    return f"{change.object} has changed at the source. {'; '.join(parts[:MOST_WORDS])}{more}."


def _place(entity: str, field: HurtField) -> str:
    return f"{entity}.{field.field}" if field.field else f"new records of {entity}"


def _action(object_name: str, *, hurting: bool, held: bool) -> str:
    if not hurting:
        return "Nothing has to be done. Map what is new if you want it."
    waits = f" {object_name} is not read until then." if held else ""
    return f"Map the named fields from elsewhere, or accept the change of {object_name}.{waits}"
