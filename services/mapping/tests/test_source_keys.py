from collections.abc import Sequence
from pathlib import Path

import orjson
import pytest

from lineshaft.common.integrations import Catalog
from lineshaft.common.mapping.paths import compile_path, parse_path
from lineshaft.mapping.domain.source_keys import NoKeyError, key_reader

INTEGRATIONS = Path(__file__).parents[3] / "integrations"
CATALOG = Catalog.load(INTEGRATIONS)


@pytest.mark.parametrize(
    ("fields", "record", "source_id"),
    [
        (["id"], {"x": [1, {"id": 2}], "id": 42}, "42"),
        (["id"], {"id": "0042"}, "0042"),
        (["id"], {"id": "a/b"}, "a/b"),
        (["site", "no"], {"no": 1001, "site": "BED/FORD"}, "BED%2FFORD/1001"),
        (
            ["order", "operation", "part"],
            {"order": "4000123", "operation": "0010", "part": ""},
            "4000123/0010/",
        ),
        (["head.id"], {"head": {"id": 7}}, "7"),
        (["head.id", "no"], {"head": {"id": 7}, "no": "x"}, "7/x"),
    ],
)
def test_keys(fields: Sequence[str], record: object, source_id: str) -> None:
    assert key_reader(fields)(orjson.dumps(record)) == source_id


def test_of_several_parts_not_all_are_empty() -> None:
    with pytest.raises(NoKeyError, match="key site, no: all of it is empty"):
        key_reader(["site", "no"])(b'{"site": "", "no": ""}')


@pytest.mark.parametrize("name", sorted(CATALOG.systems))
def test_each_recorded_record_of_a_system_has_a_key(name: str) -> None:
    system = CATALOG.system(name)
    for object_name in system.objects_for():
        fixture = orjson.loads((INTEGRATIONS / name / "fixtures" / f"{object_name}.json").read_bytes())
        records = compile_path(parse_path(fixture["records_path"]))(fixture["answer"])
        read_key = key_reader(system.object(object_name).key)
        assert all(read_key(orjson.dumps(record)) for record in records)


@pytest.mark.parametrize(
    "raw",
    [b"{}", b'{"id": null}', b'{"id": ""}', b'{"id": true}', b'{"id": 1.5}', b'{"id": [1]}', b"[]", b"7",
     b'{"id": "a\\u0000"}', b'{"id": "\xff"}'],
)  # fmt: skip
@pytest.mark.parametrize("fields", [["id"], ["id", "no"], ["id.id"]])
def test_a_record_without_a_key(raw: bytes, fields: Sequence[str]) -> None:
    with pytest.raises(NoKeyError, match="key id"):
        key_reader(fields)(raw)
