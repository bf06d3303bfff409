"""What has changed at the source since somebody accepted it, and what is to follow when it does."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from lineshaft.api.adapters.postgres import SQL, Executor
from lineshaft.common.events.drift import DriftPolicy, FieldChange, HurtField
from lineshaft.common.mapping import MappingDefinition
from lineshaft.common.mapping.drift import holds, hurt_fields, offered_fields


@dataclass(frozen=True, slots=True)
class ObjectDrift:
    """Of one object of the source."""

    policy: DriftPolicy = DriftPolicy.OFFER
    changes: Sequence[FieldChange] = ()
    changed_at: datetime | None = None

    def hurts(self, definition: MappingDefinition) -> list[HurtField]:
        """The unified fields of a mapping that the open changes reach."""
        return hurt_fields(definition, self.changes)

    def holds(self, definition: MappingDefinition) -> bool:
        """Whether the object is not read because of them."""
        return holds(self.policy, self.hurts(definition))

    def offers(self, definition: MappingDefinition) -> list[str]:
        """New source fields that the mapping does not read."""
        return offered_fields([definition], self.changes)


async def drift_of(tx: Executor, connection_id: str, object_name: str) -> ObjectDrift:
    row = await tx.fetchrow(SQL["drift"], connection_id, object_name)
    if row is None:
        return ObjectDrift()
    changes = [FieldChange.model_validate(one) for one in row["changes"] or []]
    return ObjectDrift(DriftPolicy(row["policy"] or DriftPolicy.OFFER), changes, row["changed_at"])
