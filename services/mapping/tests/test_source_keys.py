from collections.abc import Sequence

import orjson
import pytest

from lineshaft.mapping.domain.source_keys import NoKeyError, key_reader


@pytest.mark.parametrize(
    ("fields", "record", "source_id"),
    [
        (["id"], {"x": [1, {"id": 2}], "id": 42}, "42"),
        (["id"], {"id": "0042"}, "0042"),
        (["id"], {"id": "a/b"}, "a/b"),
        (["site", "no"], {"no": 1001, "site": "BED/FORD"}, "BED%2FFORD/1001"),
        (["head.id"], {"head": {"id": 7}}, "7"),
        (["head.id", "no"], {"head": {"id": 7}, "no": "x"}, "7/x"),
    ],
)
def test_keys(fields: Sequence[str], record: object, source_id: str) -> None:
    assert key_reader(fields)(orjson.dumps(record)) == source_id


@pytest.mark.parametrize(
    "raw",
    [b"{}", b'{"id": null}', b'{"id": ""}', b'{"id": true}', b'{"id": 1.5}', b'{"id": [1]}', b"[]", b"7",
     b'{"id": "a\\u0000"}', b'{"id": "\xff"}'],
)  # fmt: skip
@pytest.mark.parametrize("fields", [["id"], ["id", "no"], ["id.id"]])
def test_a_record_without_a_key(raw: bytes, fields: Sequence[str]) -> None:
    with pytest.raises(NoKeyError, match="key id"):
        key_reader(fields)(raw)
