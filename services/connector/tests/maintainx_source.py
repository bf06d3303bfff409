"""A MaintainX after its OpenAPI description: cursors, repeated `expand`, lists that tell little."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from .simulated import Request, Response, Simulated

KEY = "key-of-the-plant"
CHANGEABLE = {"title", "description", "priority", "assetId", "estimatedTime"}
CHANGED = "2026-11-21T09:30:00.000Z"


@dataclass
class MaintainX(Simulated):
    orders: dict[int, dict[str, Any]] = field(default_factory=dict)
    purchases: dict[int, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.system = "maintainx"
        self.credentials = {"token": KEY, "organization": "7"}

    def put(self, number: int, **values: Any) -> None:
        self.orders[number] = {
            "id": number,
            "sequentialId": number,
            "title": f"Order {number}",
            "status": "OPEN",
            "priority": "NONE",
            "assetId": None,
            "updatedAt": CHANGED,
        } | values

    def answer(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return Response(401)
        if "answer" in self.faults:
            return Response(*self.faults["answer"])
        return self._routed(request)

    def _routed(self, request: Request) -> Response:
        _, name, *rest = request.path.split("/")
        if name == "organizations":
            return Response(200, {"organizations": [{"id": 7, "name": "Plant"}], "nextCursor": None})
        if request.headers.get("x-organization-id") != "7" and not rest:
            return Response(400, {"errors": [{"error": "OrganizationId was not provided"}]})
        if name == "purchaseorders":
            return self._purchase(rest)
        if request.method == "POST":
            return self._create(request)
        return self._order(request, rest) if rest else self._list(request)

    def _list(self, request: Request) -> Response:
        asked, begin = int(request.first("limit", "100")), int(request.first("cursor", "0"))
        since = request.first("updatedAt[gte]")
        if not 0 < asked <= 200:
            return Response(400, {"error": "limit should be <= 200"})
        rows = [one for _, one in sorted(self.orders.items())]
        if not self.faults.get("filter_ignored"):
            rows = [one for one in rows if one["updatedAt"] >= since]
        shown = [_listed(one, request.query.get("expand", [])) for one in rows[begin : begin + asked]]
        more = str(begin + asked) if len(rows) > begin + asked else None
        return Response(200, {"workOrders": shown, "nextCursor": more, "nextPageUrl": None})

    def _order(self, request: Request, rest: list[str]) -> Response:
        order = self.orders.get(int(rest[0]))
        if order is None:
            return Response(404, {"error": "Could not find the specified Work Order."})
        if request.method == "DELETE":
            del self.orders[int(rest[0])]
            return Response(204)
        if request.method == "PATCH":
            allowed = {"status"} if rest[1:] == ["status"] else CHANGEABLE
            if wrong := [name for name in request.json if name not in allowed]:
                return Response(400, {"errors": [{"error": f"{wrong[0]} is unknown", "fieldPath": wrong[0]}]})
            if request.json.get("priority", "NONE") not in ("NONE", "LOW", "MEDIUM", "HIGH"):
                return Response(400, {"errors": [{"error": "Invalid priority", "fieldPath": "priority"}]})
            order |= request.json
        shown = _listed(order, request.query.get("expand", []))
        return Response(200, {"workOrder": shown | {"assetId": order["assetId"]}})

    def _create(self, request: Request) -> Response:
        number = max(self.orders, default=0) + 1
        self.put(number, **request.json, updatedAt=datetime.now(UTC).isoformat().replace("+00:00", "Z"))
        return Response(200, {"id": number})

    def _purchase(self, rest: list[str]) -> Response:
        if rest:
            purchase = self.purchases.get(int(rest[0]))
            known = purchase is not None and purchase["id"] not in self.faults.get("gone", ())
            return Response(200, {"purchaseOrder": purchase}) if known else Response(404, {"error": "gone"})
        keys = [{"id": key, "updatedAt": one["updatedAt"]} for key, one in sorted(self.purchases.items())]
        return Response(200, {"purchaseOrders": keys, "nextCursor": None})


def _listed(order: dict[str, Any], expand: list[str]) -> dict[str, Any]:
    """A list has the asset as an object, and only if it was asked for."""
    shown = {name: value for name, value in order.items() if name != "assetId"}
    if "asset" in expand:
        asset = order["assetId"]
        shown["asset"] = None if asset is None else {"id": asset, "name": f"Asset {asset}"}
    return shown
