"""`mappings`: the definition in force per connection and entity; `mapping.events`: what came of records."""

from datetime import datetime
from typing import Any

from lineshaft.common import topics
from lineshaft.common.events.model import EventData, event


@event("mapping.changed", topics.MAPPINGS.name)
class MappingChanged(EventData):
    """The whole effective definition (default overlaid by the customer's changes)."""

    connection_id: str
    system: str
    entity: str
    object: str
    version: int
    effective: dict[str, Any]
    changed_at: datetime
    changed_by: str
    comment: str = ""


@event("mapping.deletions_held", topics.MAPPING_EVENTS.name)
class DeletionsHeld(EventData):
    """A complete read found so few of the known records that nobody believes it without a word."""

    topic_name = topics.MAPPING_EVENTS.name

    connection_id: str
    system: str
    object: str
    sync_id: str
    missing: int
    known: int
    at: datetime
