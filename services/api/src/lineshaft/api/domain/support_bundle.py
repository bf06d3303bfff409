"""One archive of all that somebody needs who is to help with a connection: each part as text and as JSON."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from lineshaft.api.domain.plain_text import as_text

MOST_PART_BYTES = 1024 * 1024
"""Of one part as JSON; the oldest rows are left out beyond it."""

PARTS: Mapping[str, str] = {
    "connection": "Which connection, which system, and its settings without secrets.",
    "status": "Its status, the verdict, each object, the breaker, and which operations are affected.",
    "ladder": "The last network ladder: how far a call gets, and what to ask whom for.",
    "issues": "Faults from their opening to their end, newest first.",
    "timeline": "What happened, newest first, with who and why.",
    "errors": "Calls to the source that failed, newest first, with request ids for our log.",
    "syncs": "The last syncs and what they read.",
    "mappings": "Versions of the mapping of each entity, without their content.",
    "versions": "Versions of the product.",
}


@dataclass(frozen=True, slots=True)
class Part:
    content: Any
    """A document, or rows with the newest first."""

    def bounded(self) -> tuple[Any, bytes]:
        """The content, as much of it as may be sent, and its JSON."""
        content = self.content
        encoded = _json(content)
        while len(encoded) > MOST_PART_BYTES and isinstance(content, list) and content:
            content = content[: len(content) // 2]
            encoded = _json(content)
        return content, encoded


def archive(parts: Mapping[str, Part], readme: str, made_at: datetime) -> bytes:
    """A zip with `README.txt` first."""
    target = io.BytesIO()
    moment = made_at.timetuple()[:6]
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as bundle:
        _add(bundle, "README.txt", readme.encode(), moment)
        for name, part in parts.items():
            content, encoded = part.bounded()
            text = f"{PARTS[name]}\n\n{as_text(content) if content else 'There is nothing.'}"
            _add(bundle, f"{name}.txt", text.encode(), moment)
            _add(bundle, f"{name}.json", encoded, moment)
    return target.getvalue()


def readme(
    connection_id: str,
    system: str,
    status: Mapping[str, Any],
    ladder: Mapping[str, Any] | None,
    made_at: datetime,
) -> str:
    """What a human reads first."""
    verdict = status.get("verdict")
    lines = [
        f"Support bundle of the connection {connection_id} to {system}",
        f"made at {made_at:%Y-%m-%d %H:%M:%S} UTC",
        "",
        f"Status: {status['status']} since {status['since']}",
    ]
    if verdict:
        lines += [
            f"What is wrong: {verdict['summary']}",
            f"Whose move it is: {verdict['move']}",
            f"What to do: {verdict['action']}",
        ]
    else:
        lines.append("Nothing is known to be wrong.")
    breaker = status["breaker"]
    if breaker["state"] != "closed":
        lines.append(f"Calls to the source: stopped, the next one at {breaker['retry_at'] or 'no set time'}")
    if ladder:
        stopped = ladder["failed_rung"]
        lines += [
            f"Network ladder of {ladder['at']}: {f'stops at {stopped}' if stopped else 'climbed whole'}",
            *([f"  {ladder['ask']}"] if ladder["ask"] else []),
        ]
    lines += [
        "",
        "In this archive, each as .txt to read and as .json for programs:",
        *(f"  {name:<11}{what}" for name, what in PARTS.items()),
        "",
        "Left out: credentials, keys, the metadata of the connection, the content of mappings and records.",
        "What a source has said is shown without the values that it quotes. Look through the files before",
        "you send them on all the same: nobody but you knows what your systems write into their messages.",
        "",
    ]
    return "\n".join(lines)


def affected_operations(verdict: Mapping[str, Any] | None) -> Sequence[str]:
    """`operation object` of what does not work now."""
    if not verdict:
        return []
    operations = verdict["operations"] or ["read", "write"]
    objects = verdict["objects"] or ["everything"]
    return [f"{operation} {name}" for name in objects for operation in operations]


def _add(bundle: zipfile.ZipFile, name: str, content: bytes, moment: Any) -> None:
    entry = zipfile.ZipInfo(name, moment)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    bundle.writestr(entry, content)


def _json(content: Any) -> bytes:
    return orjson.dumps(content, option=orjson.OPT_INDENT_2)
