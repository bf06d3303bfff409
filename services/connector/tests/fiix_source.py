"""A Fiix after its own client's classes: one address, signatures, and success as the status of everything."""

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from typing import Any

from .simulated import Request, Response, Simulated

SECRET = "secret-of-the-plant"
FIELDS = ("id", "strName", "strCode", "bolIsSite", "intUpdated", "intSiteID")
EMPTY = {
    **dict.fromkeys(("strCode", "strDescription", "strMake", "strModel", "strSerialNumber", "strBarcode")),
    **dict.fromkeys(("intSiteID", "intAssetParentID", "intAssetLocationID", "intCategoryID", "intKind")),
    **dict.fromkeys(("strUnspcCode", "bolIsOnline")),
}
LONGEST_DELAY_MS = 15 * 60 * 1000


@dataclass
class FiixSource(Simulated):
    assets: dict[int, dict[str, Any]] = field(default_factory=dict)
    clock_ms: int = 0
    """Of the server; 0 takes any time."""

    def __post_init__(self) -> None:
        self.system = "fiix"
        self.credentials = {"app_key": "app-1", "access_key": "access-2", "secret_key": SECRET}

    def put(self, number: int, updated: int, **values: Any) -> None:
        base = {**EMPTY, "strName": f"Asset {number}", "bolIsSite": 0}
        self.assets[number] = {"id": number, "intUpdated": updated, **base, **values}

    def answer(self, request: Request) -> Response:
        if request.method != "POST" or request.headers["content-type"] != "text/plain; charset=utf-8":
            return Response(500, b"")
        message = f"{request.headers['host']}{request.target}"
        expected = hmac.new(SECRET.encode(), message.encode(), hashlib.sha256).hexdigest()
        late = self.clock_ms and abs(int(request.first("timestamp")) - self.clock_ms) > LONGEST_DELAY_MS
        if (
            request.headers.get("authorization") != expected
            or request.first("accessKey") != "access-2"
            or late
        ):
            return refused("SERVER_REQUEST_RECEIVE", "the request is not authorized")
        if "answer" in self.faults:
            return Response(*self.faults["answer"])
        body = request.json
        if body["_maCn"] != request.first("action"):
            return refused("SERVER_REQUEST_UNPACK", "action and body differ")
        return Response(200, self._done(body))

    def _done(self, body: dict[str, Any]) -> Any:
        kind = body["_maCn"]
        if kind == "RpcRequest":
            return {"_maCn": "RpcResponse", "object": "pong"}
        names = [name.strip() for name in body.get("fields", "").split(",") if name]
        if unknown := [name for name in names if name not in {*FIELDS, *EMPTY}]:
            return _error("SERVER_REQUEST_UNPACK", f"there is no field {unknown[0]}")
        if kind == "FindRequest":
            return self._found(body, names)
        if kind == "AddRequest":
            number = max(self.assets, default=0) + 1
            self.put(number, 9000, **_plain(body["object"]))
        elif body.get("id", (body.get("object") or {}).get("id")) not in self.assets:
            return {"object": None} if kind == "FindByIdRequest" else _error("SERVER_REQUEST_PROCESS", "gone")
        else:
            number = body["id"] if "id" in body else body["object"]["id"]
        if kind == "ChangeRequest":
            changed = [name.strip() for name in body["changeFields"].split(",")]
            self.assets[number] |= {name: body["object"][name] for name in changed}
        if kind == "RemoveRequest":
            del self.assets[number]
            return {"count": 1}
        return {"object": _shown(self.assets[number], names)}

    def _found(self, body: dict[str, Any], names: list[str]) -> Any:
        rows = [one for _, one in sorted(self.assets.items())]
        for condition in [] if self.faults.get("filter_ignored") else body.get("filters", []):
            named = re.fullmatch(r"(\w+) > \?", condition["ql"])
            if named is None:
                return _error("SERVER_REQUEST_UNPACK", condition["ql"])
            rows = [one for one in rows if one[named[1]] > condition["parameters"][0]]
        start, most = body["startIndex"], min(body["maxObjects"], self.faults.get("most", 100))
        shown = [_shown(one, names) for one in rows[start : start + most]]
        return {"_maCn": "FindResponse", "objects": shown, "totalObjects": len(rows), "error": None}


def _error(leg: str, words: str, code: int = 0, **facts: Any) -> dict[str, Any]:
    return {"error": {"leg": leg, "code": code, "message": words, "stackTrace": None, "object": facts}}


def refused(leg: str, words: str, code: int = 0, **facts: Any) -> Response:
    return Response(200, _error(leg, words, code, **facts))


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != "className"}


def _shown(record: dict[str, Any], names: list[str]) -> dict[str, Any]:
    return {"className": "Asset", **{name: record[name] for name in names}}
