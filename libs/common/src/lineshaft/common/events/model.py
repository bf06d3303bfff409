"""The base of every event's data, and the table from event type to model."""

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict


class EventData(BaseModel):
    """Data of one event. Fields may be added with a default; none is removed, renamed or retyped."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    event_type: ClassVar[str]
    topic_name: ClassVar[str]
    outlives_connection: ClassVar[bool] = False
    """Whether it is of use when the connection that it names has been purged."""


EVENT_TYPES: dict[str, type[EventData]] = {}


def event(event_type: str, topic_name: str) -> Any:
    """Class decorator: this model is the data of `lineshaft.<event_type>` on `topic_name`."""

    def register(model: type[EventData]) -> type[EventData]:
        model.event_type = f"lineshaft.{event_type}"
        model.topic_name = topic_name
        EVENT_TYPES[model.event_type] = model
        return model

    return register
