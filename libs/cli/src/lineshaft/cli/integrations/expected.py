"""What the default mapping makes of recorded answers."""

import json
from pathlib import Path
from typing import Any

from lineshaft.cli.integrations.fixtures import records_of
from lineshaft.common.integrations import Fault, IntegrationError, System
from lineshaft.common.mapping import MappingContext, compile_mapping
from lineshaft.common.unified import join_source_key

OBSERVED_AT = "2026-11-24T08:00:00Z"
CONNECTION = "conn_fixture"


def write_expected(place: Path, system: System) -> list[Path]:
    """One file for each entity.

    Raises:
        IntegrationError: a recorded answer is missing, or holds what the mapping cannot read.
    """
    return [_write(place / "fixtures", system, entity) for entity in system.entities]


def _write(fixtures: Path, system: System, entity: str) -> Path:
    name = system.object_of(entity)
    recorded = fixtures / f"{name}.json"
    mapping = compile_mapping(entity, system.default_mapping(entity), MappingContext())
    documents: list[Any] = []
    for record in records_of(recorded):
        missing = [key for key in system.object(name).key if record.get(key) is None]
        if missing:
            raise IntegrationError(Fault(recorded, f"a record has no {', '.join(missing)}", "answer"))
        source_id = join_source_key([record[key] for key in system.object(name).key])
        mapped = mapping.apply(CONNECTION, source_id, record, OBSERVED_AT)
        if mapped.errors:
            words = "; ".join(f"{one.field} from {one.path}: {one.reason}" for one in mapped.errors)
            raise IntegrationError(Fault(recorded, f"record {source_id}: {words}", "answer"))
        documents.append(mapped.document)
    file = fixtures / f"{entity}.expected.json"
    content = {"connection_id": CONNECTION, "observed_at": OBSERVED_AT, "documents": documents}
    file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return file
