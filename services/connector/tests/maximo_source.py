"""A Maximo after IBM's guide: 400 for everything, its own host in links, no nulls, keys per site."""

import base64
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from .simulated import Request, Response, Simulated

KEY = "key-of-the-plant"
FIELDS = ("siteid", "wonum", "description", "status", "assetnum", "location", "estdur", "changedate")
ORDERS = "/os/MXAPIWODETAIL"
CONDITION = re.compile(r'(\w+)(>=|=)(?:"([^"]*)"|(\S+))')
START = "2026-11-20T09:00:00+01:00"


@dataclass
class MaximoSource(Simulated):
    orders: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    login: str = "api_key"

    def __post_init__(self) -> None:
        self.system = "maximo"
        self.credentials = {"login": self.login, "key": KEY, "username": "reader", "password": "let-me-in"}

    @property
    def connection_fields(self) -> dict[str, str]:
        return {**super().connection_fields, "base_url": f"http://127.0.0.1:{self.port}/maximo"}

    def put(self, site: str, number: str, **values: Any) -> None:
        base = {"description": f"Order {number}", "status": "WAPPR", "location": None, "changedate": START}
        self.orders[site, number] = {"siteid": site, "wonum": number, **base, **values}

    def answer(self, request: Request) -> Response:
        if (refusal := self._stopped(request)) is not None:
            return refusal
        path = request.path.removeprefix("/maximo/api").removeprefix("/maximo/oslc")
        if path == "/whoami":
            return Response(200, {"userName": "READER", "displayName": "Person Reader"})
        if path == "/jsonschemas/MXAPIWODETAIL":
            facts = {name: {"type": "string", "title": name.upper()} for name in FIELDS}
            return Response(200, {"properties": facts, "required": ["siteid"]})
        if not path.startswith(ORDERS):
            return refused("BMXAA8727E", "there is no such object structure", 404)
        if request.method == "GET":
            return self._list(request)
        return self._create(request) if path == ORDERS else self._change(request, path)

    def _stopped(self, request: Request) -> Response | None:
        known = base64.b64encode(b"reader:let-me-in").decode()
        proofs = {"api_key": ("apikey", KEY), "maxauth": ("maxauth", known)}
        header, value = proofs.get(self.login, ("authorization", f"Basic {known}"))
        if request.headers.get(header) != value:
            code = "BMXAA9549E" if self.login == "api_key" else "BMXAA7901E"
            return refused(code, "log in again")
        return Response(*self.faults["answer"]) if "answer" in self.faults else None

    def _list(self, request: Request) -> Response:
        select = request.first("oslc.select").split(",")
        if request.first("lean") != "1" or (unknown := [name for name in select if name not in FIELDS]):
            return refused("BMXAA8744E", f"there is no {unknown[0] if select else 'lean'}")
        rows = list(self.orders.values())
        if "oslc.where" in request.query and not self.faults.get("filter_ignored"):
            rows = [one for one in rows if _fits(request.first("oslc.where"), one)]
        for name in reversed(
            request.first("oslc.orderBy").split(",") if "oslc.orderBy" in request.query else ()
        ):
            rows.sort(key=lambda one: str(one[name[1:]]), reverse=name[0] == "-")
        most = self.faults.get("most", 1_000)
        size, number = min(int(request.first("oslc.pageSize")), most), int(request.first("pageno", "1"))
        shown = [_shown(one, select) for one in rows[(number - 1) * size : number * size]]
        info: dict[str, Any] = {"pagenum": number}
        if len(rows) > number * size or "link" in self.faults:
            path = self.faults.get("link", "/maximo/oslc/os/mxapiwodetail")
            following = self.faults.get("cycle", {}).get(number) or self.faults.get("pageno", number + 1)
            href = f"http://manage.internal:9080{path}?oslc.where=nothing&pageno={following}&oslc.pageSize=1"
            info["nextPage"] = {"href": href}
        return Response(200, {"member": shown, "responseInfo": info})

    def _create(self, request: Request) -> Response:
        values = request.json
        if wrong := [name for name in values if name not in FIELDS]:
            return refused("BMXAA4190E", f"{wrong[0]} is not valid")
        number = values.get("wonum", str(9000 + len(self.orders)))
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self.put(values["siteid"], number, **{**values, "wonum": number, "changedate": now})
        shown = _shown(self.orders[values["siteid"], number], FIELDS)
        return Response(201, shown if request.headers.get("properties") else b"")

    def _change(self, request: Request, path: str) -> Response:
        if request.headers.get("x-method-override") != "PATCH":
            return refused("BMXAA8727E", "no method", 405)
        site, number = base64.b64decode(path.rsplit("/_", 1)[1].replace("-", "=")).decode().split("/")
        order = self.orders[site, number]
        action = request.first("action")
        if action == "wsmethod:changeStatus" and not self.faults.get("kept"):
            order["status"] = request.json["status"]
        elif not action:
            order |= request.json
        return Response(200, _shown(order, FIELDS))


def refused(code: str, words: str, status: int = 400) -> Response:
    error = {"reasonCode": code, "statusCode": str(status), "message": f"{code} - {words}"}
    return Response(status, {"Error": error})


def _shown(order: dict[str, Any], select: Any) -> dict[str, Any]:
    key = base64.b64encode(f"{order['siteid']}/{order['wonum']}".encode()).decode().replace("=", "-")
    href = f"http://manage.internal:9080/maximo/oslc/os/mxapiwodetail/_{key}"
    known = {name: order[name] for name in select if order.get(name) is not None}
    return {"_rowstamp": "1", "href": href, **known}


def _fits(where: str, order: dict[str, Any]) -> bool:
    for condition in where.split(" and "):
        found = CONDITION.fullmatch(condition)
        if found is None:
            raise ValueError(f"a condition that is not understood: {condition}")
        name, operator, text, bare = found.groups()
        value, other = str(order.get(name)), text if text is not None else bare
        if operator == ">=":
            if datetime.fromisoformat(value).astimezone(UTC) < datetime.fromisoformat(other):
                return False
        elif not re.fullmatch(re.escape(other).replace("%", ".*"), value):
            return False
    return True
