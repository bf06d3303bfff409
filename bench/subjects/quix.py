"""Quix Streams with the 20 fields, and no more. `pages` reads the connector's slices instead of records."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from harness.meter import Meter, spec
from harness.records import map_record
from quixstreams import Application  # type: ignore[import-not-found]  # in the peers' own environment


def main() -> None:
    asked = spec()
    with TemporaryDirectory() as state:
        app = Application(
            asked["bootstrap_servers"],
            consumer_group=asked["run"],
            auto_offset_reset="earliest",
            auto_create_topics=False,
            use_changelog_topics=False,
            state_dir=Path(state),
            loglevel="WARNING",
            producer_extra_config={"acks": "all", "linger.ms": 5, "queue.buffering.max.messages": 1_000_000},
            consumer_extra_config={"fetch.wait.max.ms": 5},
        )
        source = app.topic(asked["prefix"] + asked["topic"], key_deserializer="bytes")
        target = app.topic(asked["prefix"] + "mapped", key_serializer="bytes")
        frame = app.dataframe(source)
        if asked["pages"]:
            frame = frame.apply(_records, expand=True).apply(_keyed)
            frame = frame.to_topic(target, key=_key).apply(_counted)
        else:
            frame = frame.apply(map_record).to_topic(target).apply(_counted)
        meter = Meter()
        meter.start()
        app.run(count=asked["messages"])
        meter.stop(_Done.records)


class _Done:
    records = 0


def _counted(value: Any) -> Any:
    _Done.records += 1
    return value


def _records(page: dict[str, Any]) -> list[dict[str, Any]]:
    return page["records"]  # type: ignore[no-any-return]  # it is JSON


def _keyed(record: dict[str, Any]) -> dict[str, Any]:
    return {"id": record["id"], **map_record(record)}


def _key(record: dict[str, Any]) -> bytes:
    return str(record["id"]).encode()


if __name__ == "__main__":
    main()
    sys.stdout.flush()
