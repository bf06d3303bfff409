"""An OData service that has the records of a system's folder, and metadata that lists their fields."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .refusals import INTEGRATIONS
from .simulated import Request, Response, Simulated

ADMITTED = {"Basic " + base64.b64encode(b"reader:let-me-in").decode(), "Bearer of-the-reader"}
COMPANY = "5f8c7d1e-0000-4000-8000-000000000000"
TYPES = {bool: "Edm.Boolean", int: "Edm.Int32", float: "Edm.Double"}


@dataclass
class RecordedOData(Simulated):
    sets: dict[str, Any] = field(default_factory=dict)
    """The recorded answer of each path."""

    def __post_init__(self) -> None:
        own = {
            "username": "reader",
            "password": "let-me-in",
            "client_id": "reader",
            "client_secret": "let-me-in",
        }
        place = {"client": "100", "company": COMPANY, "tenant": COMPANY, "environment": "production"}
        self.credentials = {**place, **own}
        for one in _fixtures(self.system):
            self.sets[one["request"]["path"].format(**place)] = one["answer"]

    @property
    def connection_fields(self) -> dict[str, str]:
        return {"login_url": f"http://127.0.0.1:{self.port}", **super().connection_fields}

    def answer(self, request: Request) -> Response:
        if request.path.endswith("/oauth2/v2.0/token"):
            return _token(request)
        if request.headers.get("authorization") not in ADMITTED:
            return Response(401)
        if request.path.endswith("/$metadata"):
            return Response(200, self._metadata().encode(), {"content-type": "application/xml"})
        if request.path.endswith(f"/companies({COMPANY})"):
            return Response(200, {"id": COMPANY})
        if request.path not in self.sets:
            return Response(404, {"error": {"code": "404", "message": "Resource not found"}})
        answer = self.sets[request.path]
        # nothing lies behind the last key
        return Response(200, _empty(answer) if " gt " in request.first("$filter") else answer)

    def _metadata(self) -> str:
        names = {path.rsplit("/", 1)[1]: answer for path, answer in self.sets.items()}
        types = "".join(
            f'<EntityType Name="{name}Type">{"".join(_properties(answer))}</EntityType>'
            for name, answer in names.items()
        )
        sets = "".join(f'<EntitySet Name="{name}" EntityType="API.{name}Type"/>' for name in names)
        return f"""<edmx:Edmx Version="1.0" xmlns:edmx="http://schemas.microsoft.com/ado/2007/06/edmx">
<edmx:DataServices><Schema Namespace="API" xmlns="http://schemas.microsoft.com/ado/2008/09/edm">
{types}<EntityContainer Name="C">{sets}</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>"""


def _token(request: Request) -> Response:
    if b"client_secret=let-me-in" not in request.body:
        return Response(401, {"error": "invalid_client"})
    return Response(200, {"access_token": "of-the-reader", "token_type": "Bearer", "expires_in": 3600})


def _empty(answer: Any) -> Any:
    return {"value": []} if "value" in answer else {"d": {"results": []}}


def _fixtures(system: str) -> Iterator[dict[str, Any]]:
    for file in sorted((INTEGRATIONS / system / "fixtures").glob("*.json")):
        one = json.loads(file.read_text(encoding="utf-8"))
        if "answer" in one:
            yield one


def _properties(answer: Any) -> Iterator[str]:
    records = answer["value"] if "value" in answer else answer["d"]["results"]
    for name, value in records[0].items():
        if not isinstance(value, list | dict):
            yield f'<Property Name="{name}" Type="{TYPES.get(type(value), "Edm.String")}"/>'
