"""The source that is synced: pages over Tryton's JSON-RPC and over plain GET, too cheap to be the limit.

The database's name says how many rows it has: `rows_100000`.
"""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
from harness.rows import FIELDS, Rows
from harness.serving import serve

OBJECT = "work_order"

RESULTS: dict[str, Any] = {
    "common.db.login": [1, "bench-session"],
    "model.res.user.get_preferences": {"language": "en"},
    f"model.{OBJECT}.fields_get": {
        name: {"type": "integer" if name == "id" else "char", "string": name, "loading": "eager"}
        for name in FIELDS
    },
    "model.ir.model.field.search_read": [
        {"name": name, "ttype": "char", "relation": None} for name in FIELDS
    ],
}


def answer(method: str, target: str, body: bytes) -> bytes:
    return _called(target, orjson.loads(body)) if method == "POST" else _got(target)


def _called(path: str, call: dict[str, Any]) -> bytes:
    method, params = call["method"], call["params"]
    if method == f"model.{OBJECT}.search_read":
        (_, _, after), *_ = params[0]
        result = Rows(_count(path)).page(int(after), int(params[2]))
    else:
        result = orjson.dumps(RESULTS[method])
    return b'{"id":%d,"result":%b}' % (call["id"], result)


def _got(target: str) -> bytes:
    """`GET /rows_<count>?after=&limit=`."""
    parts = urlsplit(target)
    asked = parse_qs(parts.query)
    after, limit = int(asked.get("after", ["0"])[0] or 0), int(asked["limit"][0])
    rows = Rows(_count(parts.path))
    page = rows.page(after, limit)
    following = b"null" if rows.ends(after, limit) else page[page.rindex(b'{"id":') :][6:14]
    return b'{"records":%b,"next":%b}' % (page, following)


def _count(path: str) -> int:
    return int(path.strip("/").split("/", 1)[0].removeprefix("rows_"))


if __name__ == "__main__":
    serve(answer)
