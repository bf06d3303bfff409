"""An ERPNext after Frappe's pages: JSON in parameters, times without a zone, and its exceptions' status."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from .simulated import Request, Response, Simulated

TOKEN = "token key-1:secret-2"
STATUS = {
    "AuthenticationError": 401,
    "PermissionError": 403,
    "DoesNotExistError": 404,
    "ValidationError": 417,
}


@dataclass
class ErpNext(Simulated):
    zone: str = "UTC"
    """Of the site."""
    documents: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.system = "erpnext"
        self.credentials = {"api_key": "key-1", "api_secret": "secret-2", "timezone": self.zone}

    def put(self, kind: str, name: str, changed: datetime, **values: Any) -> None:
        known = self.documents.setdefault(kind, {})
        created = known[name]["creation"] if name in known else self.local(changed)
        own = {"name": name, "creation": created, "modified": self.local(changed)}
        known[name] = {**known.get(name, {}), **values, **own}

    def answer(self, request: Request) -> Response:
        if request.headers.get("authorization") != TOKEN:
            return refused("AuthenticationError")
        if "answer" in self.faults:
            return Response(*self.faults["answer"])
        if request.path == "/api/method/frappe.auth.get_logged_user":
            return Response(200, {"message": "reader@plant.example"})
        return self._resource(request)

    def _resource(self, request: Request) -> Response:
        _, _, _, kind, *rest = request.path.split("/")
        if kind not in self.documents:
            return refused("DoesNotExistError", f"DocType {kind} not found")
        if request.method == "POST":
            name = f"{kind}-{len(self.documents[kind])}"
            self.put(kind, name, datetime.now(UTC), **request.json)
            return Response(200, {"data": self.documents[kind][name]})
        if rest:
            return self._one(request, kind, rest[0])
        return Response(200, {"data": self._list(request, kind)})

    def _list(self, request: Request, kind: str) -> list[dict[str, Any]]:
        rows = list(self.documents[kind].values())
        for name, operator, value in json.loads(request.first("filters", "[]")):
            assert operator == ">="
            rows = [one for one in rows if one[name] >= value]
        name, direction = request.first("order_by", "modified desc").split(" ")
        rows.sort(key=lambda one: (one[name], one["name"]), reverse=direction == "desc")
        fields = json.loads(request.first("fields", '["name"]'))
        start = 0 if self.faults.get("ignored") else int(request.first("limit_start", "0"))
        length = min(int(request.first("limit_page_length", "20")), self.faults.get("most", 500))
        # a list has no lines, whatever it is asked for
        shown = [{key: one[key] for key in one if key != "items"} for one in rows[start : start + length]]
        return shown if fields == ["*"] else [{key: one[key] for key in fields} for one in shown]

    def _one(self, request: Request, kind: str, name: str) -> Response:
        document = self.documents[kind].get(name)
        if document is None:
            return refused("DoesNotExistError", f"{kind} {name} not found")
        if request.method == "DELETE":
            del self.documents[kind][name]
            return Response(202, {"message": "ok"})
        if request.method == "PUT":
            if request.json.get("repair_status", "Pending") not in ("Pending", "Completed", "Cancelled"):
                return refused("ValidationError", "Repair Status cannot be that")
            self.put(kind, name, datetime.now(UTC), **request.json)
        elif request.method != "GET":
            return refused("ValidationError", "not this way")
        return Response(200, {"data": self.documents[kind][name]})

    def local(self, moment: datetime) -> str:
        return moment.astimezone(ZoneInfo(self.zone)).strftime("%Y-%m-%d %H:%M:%S.%f")


def refused(kind: str, words: str = "") -> Response:
    return Response(STATUS[kind], {"exc_type": kind, "exception": f"frappe.exceptions.{kind}: {words}"})
