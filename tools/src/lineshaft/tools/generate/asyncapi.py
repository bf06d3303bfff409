import json
from typing import Any

from lineshaft.common.topics import TOPICS
from lineshaft.tools.generate.events import event_models

CLOUD_EVENT_HEADERS = (
    "ce_specversion",
    "ce_id",
    "ce_type",
    "ce_source",
    "ce_time",
    "ce_subject",
    "ce_partitionkey",
)


def asyncapi_document() -> str:
    """AsyncAPI 3.0: a channel per topic, a message per event type."""
    messages: dict[str, Any] = {}
    channels: dict[str, Any] = {}
    for topic in TOPICS:
        channels[topic.name] = {
            "address": f"lineshaft.{topic.name}",
            "description": topic.purpose,
            "messages": {},
            "bindings": {"kafka": {"partitions": topic.partitions}},
        }
    for event_type, model in event_models().items():
        messages[event_type] = {
            "contentType": "application/json",
            "headers": {
                "type": "object",
                "properties": {name: {"type": "string"} for name in CLOUD_EVENT_HEADERS},
            },
            "payload": {"$ref": f"./events/{event_type}.json"},
            "summary": (model.__doc__ or "").strip().split("\n", 1)[0],
        }
        channels[model.topic_name]["messages"][event_type] = {"$ref": f"#/components/messages/{event_type}"}
    for fact in ("upserted", "deleted"):
        event_type = f"lineshaft.entity.{fact}"
        messages[event_type] = {
            "contentType": "application/json",
            "payload": {"type": "object"},
            "summary": f"An entity was {fact}; the data is the object that the API returns.",
        }
        for topic in TOPICS:
            if topic.name.startswith("entities."):
                channels[topic.name]["messages"][event_type] = {"$ref": f"#/components/messages/{event_type}"}
    document = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Lineshaft",
            "version": "1",
            "license": {"name": "Apache-2.0"},
            "description": "Events in CloudEvents 1.0, binary content mode on Kafka.",
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "components": {"messages": messages},
    }
    return json.dumps(document, indent=2) + "\n"
