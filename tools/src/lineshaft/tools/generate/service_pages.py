"""The tables in each service's README: topics in and out, settings. The prose around them is written."""

import re
from pathlib import Path

from lineshaft.common.settings import Settings
from lineshaft.common.topics import TOPICS
from lineshaft.tools.generate.markdown import table
from lineshaft.tools.generate.settings import SERVICES, settings_table

_BLOCK = re.compile(r"(<!-- generated: (?P<name>\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def service_pages(root: Path) -> dict[Path, str]:
    """Path to content with the tables as they should be."""
    pages = {}
    for service in SERVICES:
        path = root / "services" / service / "README.md"
        if path.is_file():
            pages[path] = filled(path.read_text(encoding="utf-8"), service)
    return pages


def filled(text: str, service: str) -> str:
    blocks = {"topics": _topics(service), "settings": _settings(service)}
    return _BLOCK.sub(lambda match: f"{match[1]}\n{blocks[match['name']]}\n\n{match[3]}", text)


def _topics(service: str) -> str:
    rows = [
        [direction, f"`{topic.name}`", topic.purpose]
        for direction, holders in (("in", "consumers"), ("out", "producers"))
        for topic in TOPICS
        if service in getattr(topic, holders) and not topic.name.startswith("entities.")
    ]
    if service == "mapping":
        rows.append(["out", "`entities.<type>`, `entities.custom`", "Every entity, normalized."])
    return table(["", "Topic", "Holds"], rows)


def _settings(service: str) -> str:
    model = SERVICES[service]
    own = set(model.model_fields) - set(Settings.model_fields)
    shared = "[what all services share](../../docs/reference/settings.md#all-services)"
    return f"{settings_table(model, own)}\n\nAnd {shared}." if own else f"Only {shared}."
