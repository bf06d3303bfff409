import importlib
import json
import pkgutil

from lineshaft.common import events
from lineshaft.common.events.calls import CALL_EVENT_TYPES, Call
from lineshaft.common.events.model import EVENT_TYPES, EventData


def event_models() -> dict[str, type[EventData]]:
    """Every event type and its model, in a fixed order."""
    for module in pkgutil.iter_modules(events.__path__):
        importlib.import_module(f"{events.__name__}.{module.name}")
    models: dict[str, type[EventData]] = {**EVENT_TYPES, **dict.fromkeys(CALL_EVENT_TYPES.values(), Call)}
    return dict(sorted(models.items()))


def event_schemas() -> dict[str, str]:
    """One JSON Schema per event type."""
    return {
        f"events/{event_type}.json": json.dumps(model.model_json_schema(), indent=2, sort_keys=True) + "\n"
        for event_type, model in event_models().items()
    }
