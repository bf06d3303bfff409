"""An OData service with SAP Gateway's habits, V2 and V4: small, strict, and able to fail as it does.

From what real services answered: relative and absolute links, `/Date(..)/`, tokens, tags, refusals.
"""

import base64
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

SERVICE = "/sap/opu/odata/sap/API_PLANT"
FIELDS = {
    "No": "Edm.String",
    "Plant": "Edm.Int32",
    "Name": "Edm.String",
    "LastChangeDateTime": "Edm.DateTimeOffset",
}
START = datetime(2026, 11, 1, tzinfo=UTC)
TOKEN = "token-1"
SESSION = "SAP_SESSIONID=abc"


@dataclass
class Request:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class ODataSource:
    """`faults` are read by the handler; `version` decides the form of answers."""

    version: int = 4
    page: int = 50
    faults: dict[str, Any] = field(default_factory=dict)
    records: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    port: int = 0
    system: str = ""

    @property
    def connection_fields(self) -> dict[str, str]:
        return {
            "base_url": f"http://127.0.0.1:{self.port}",
            "client": "100",
            "username": "reader",
            "password": "let-me-in",
        }

    def execute(self, *statements: str) -> None:
        raise NotImplementedError

    def fetch(self, query: str) -> list[tuple[Any, ...]]:
        raise NotImplementedError

    def fill(self, count: int) -> None:
        for number in range(count):
            self.put(f"{number:018d}", 1, f"Machine {number}", int(START.timestamp()) + number)

    def put(self, no: str, plant: int, name: str, changed: int) -> None:
        self.records[no, plant] = {"No": no, "Plant": plant, "Name": name, "changed": changed}

    def written(self) -> list[Request]:
        return [one for one in self.requests if one.method != "GET"]


@contextmanager
def serving(source: ODataSource) -> Iterator[ODataSource]:
    handler = type("Handler", (_Handler,), {"source": source})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    source.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield source
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    source: ODataSource
    protocol_version = "HTTP/1.1"
    wbufsize = 65_536

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base's signature
        """Quiet."""

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_PATCH = do_DELETE = do_GET  # noqa: N815

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.source.requests.append(Request(self.command, self.path, headers, body))
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if not (self._stopped(parts.path, query, headers) or self._lacks_token(headers)):
            self._routed(unquote(parts.path[len(SERVICE) :]), query, headers, body)

    def _stopped(self, path: str, query: dict[str, str], headers: dict[str, str]) -> bool:
        faults = self.source.faults
        known = base64.b64encode(b"reader:let-me-in").decode()
        admitted = headers.get("authorization") == f"Basic {known}" and query.get("sap-client") == "100"
        if not admitted or faults.get("unauthorized", "nothing") in path:
            self._say(401, b"Unauthorized", {"content-type": "text/plain", "www-authenticate": "Basic"})
        elif faults.get("logon_page"):
            self._say(200, b"<html><form>Log on</form></html>", {"content-type": "text/html"})
        elif "answer" in faults and not path.endswith("$metadata"):
            self._refuse(*faults["answer"])
        elif not path.startswith(SERVICE):
            self._refuse(403, "403", "No authorization to access service")
        else:
            return False
        return True

    def _lacks_token(self, headers: dict[str, str]) -> bool:
        if headers.get("x-csrf-token") == "Fetch":
            self._token_headers = {"x-csrf-token": TOKEN, "set-cookie": f"{SESSION}; path=/; HttpOnly"}
        if self.command == "GET":
            return False
        faults = self.source.faults
        lost = faults.get("token_lost", 0)
        if not lost and headers.get("x-csrf-token") == TOKEN and SESSION in headers.get("cookie", ""):
            return False
        faults["token_lost"] = max(0, lost - 1)
        refusal = {"x-csrf-token": "Required", "content-type": "text/plain"}
        self._say(403, b"CSRF token validation failed", refusal)
        return True

    def _routed(self, rest: str, query: dict[str, str], headers: dict[str, str], body: bytes) -> None:
        if rest == "/$metadata":
            document = metadata(self.source.faults).encode()
            self._say(200, document, {"content-type": "application/xml"})
        elif rest == "/":
            self._json(200, {"d": {"EntitySets": ["Machine"]}})
        elif rest.startswith("/Machine("):
            self._one(rest, headers, body)
        elif rest != "/Machine":
            self._refuse(404, "404", "Invalid resource path")
        elif self.command == "POST":
            self._create(json.loads(body))
        else:
            self._page(query)

    def _page(self, query: dict[str, str]) -> None:
        source, faults = self.source, self.source.faults
        asked = query.get("$select", "").split(",")
        if unknown := [name for name in asked if name not in FIELDS and name not in faults.get("custom", ())]:
            return self._refuse(400, "400", f'Property "{unknown[0]}" does not exist in Machine')
        rows = [one for _, one in sorted(source.records.items())]
        if "$filter" in query and not faults.get("filter_ignored"):
            rows = [one for one in rows if fits(query["$filter"], one)]
        if "$top" in query:
            rows = rows[: min(int(query["$top"]), faults.get("most", len(rows)))]
        begin = int(query.get("$skiptoken", 0))
        if begin and faults.get("tokens_expire"):
            faults["tokens_expire"] -= 1
            return self._refuse(410, "410", "the skiptoken is no longer valid")
        rows, more = rows[begin : begin + source.page], len(rows) > begin + source.page
        link = None
        if more or "link" in faults or "cycle" in faults:
            kept = "&".join(
                f"%24{name[1:]}={value}"
                for name, value in query.items()
                if name in ("$filter", "$select", "$orderby", "$top")
            )
            kept = kept.replace(" ", "%20").replace("+", "%2B")
            step = begin + source.page if more else begin
            step = faults.get("cycle", {}).get(begin, step)
            link = faults.get("link") or f"Machine?{kept}&%24skiptoken={step}"
            if source.version == 2 and "link" not in faults:
                link = f"http://sap.internal:8000{SERVICE}/{link}"
        shown = [
            {
                name: value
                for name, value in self._shown(one).items()
                if name in asked or name.startswith(("__", "@"))
            }
            for one in rows
        ]
        for name in faults.get("dropped", ()):
            for one in shown:
                one.pop(name, None)
        if source.version == 2:
            return self._json(200, {"d": {"results": shown, **({"__next": link} if link else {})}})
        return self._json(200, {"value": shown, **({"@odata.nextLink": link} if link else {})})

    def _shown(self, one: dict[str, Any]) -> dict[str, Any]:
        changed = datetime.fromtimestamp(one["changed"], UTC)
        tag = f'W/"{one["changed"]}"'
        v2 = self.source.version == 2
        moment = f"/Date({one['changed'] * 1000}+0000)/" if v2 else changed.isoformat().replace("+00:00", "Z")
        facts = {
            "No": one["No"],
            "Plant": one["Plant"],
            "Name": one["Name"],
            "LastChangeDateTime": moment,
            "YY1_Zone_MAC": "A",
        }
        return (
            {"__metadata": {"etag": tag, "uri": "http://sap.internal:8000/x"}, **facts}
            if v2
            else {"@odata.etag": tag, **facts}
        )

    def _one(self, rest: str, headers: dict[str, str], body: bytes) -> None:
        found = re.fullmatch(r"/Machine\(No='(.*)',Plant=(\d+)\)", rest)
        record = self.source.records.get((found[1].replace("''", "'"), int(found[2]))) if found else None
        if record is None:
            return self._refuse(404, "404", "Resource not found")
        tag = f'W/"{record["changed"]}"'
        if self.command == "GET":
            if self.source.faults.get("changed_meanwhile"):
                record["changed"] += 1
            return self._json(
                200,
                {"d": self._shown(record)} if self.source.version == 2 else self._shown(record),
                {"etag": tag},
            )
        if headers.get("if-match") != tag:
            return self._refuse(412, "412", "Precondition failed")
        if self.command == "DELETE":
            del self.source.records[record["No"], record["Plant"]]
        else:
            record |= json.loads(body)
        return self._say(204, b"", {})

    def _create(self, values: dict[str, Any]) -> None:
        if len(values.get("Name", "")) > 40:
            return self._refuse(400, "ASSERT_DATA_TYPE", "the value is too long", target="Name")
        self.source.put(values["No"], values["Plant"], values["Name"], int(START.timestamp()))
        shown = self._shown(self.source.records[values["No"], values["Plant"]])
        return self._json(201, {"d": shown} if self.source.version == 2 else shown)

    def _refuse(self, status: int, code: str, words: str, target: str | None = None) -> None:
        v2 = {"error": {"code": code, "message": {"lang": "en", "value": words}}}
        v4 = {"error": {"code": code, "message": words, **({"target": target} if target else {})}}
        self._json(status, v2 if self.source.version == 2 else v4)

    def _json(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        self._say(status, json.dumps(body).encode(), {"content-type": "application/json", **(headers or {})})

    def _say(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**getattr(self, "_token_headers", {}), **headers}.items():
            self.send_header(name, value)
        self._token_headers: dict[str, str] = {}
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def fits(condition: str, record: dict[str, Any]) -> bool:
    """Our own filters: comparisons, `and`, `or` and brackets."""
    changed = datetime.fromtimestamp(record["changed"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    values = {
        "No": "'" + record["No"].replace("'", "''") + "'",
        "Plant": int(record["Plant"]),
        "Name": f"'{record['Name']}'",
        "LastChangeDateTime": changed,
    }
    text = re.sub(r"datetimeoffset'([^']*)'", r"\1", condition)
    pattern = r"(\w+) (ge|gt|eq) ('(?:[^']|'')*'|[\w:.TZ-]+)"

    def held(found: re.Match[str]) -> str:
        value, other = values[found[1]], found[3] if not isinstance(values[found[1]], int) else int(found[3])
        return str({"ge": value >= other, "gt": value > other, "eq": value == other}[found[2]])

    reduced = re.sub(pattern, held, text)
    if not re.fullmatch(r"(True|False|and|or|[() ])+", reduced):
        raise ValueError(f"a filter that is not understood: {condition}")
    return bool(eval(reduced))  # noqa: S307  only the words above are left


def metadata(faults: dict[str, Any]) -> str:
    custom = '<Property Name="YY1_Zone_MAC" Type="Edm.String" sap:label="Zone"/>'
    sets = faults.get("set", "Machine")
    return f"""<?xml version="1.0"?>{faults.get("doctype", "")}
<edmx:Edmx Version="1.0" xmlns:edmx="http://schemas.microsoft.com/ado/2007/06/edmx"
 xmlns:sap="http://www.sap.com/Protocols/SAPData">
<edmx:DataServices><Schema Namespace="API" xmlns="http://schemas.microsoft.com/ado/2008/09/edm">
<EntityType Name="MachineType"><Key><PropertyRef Name="No"/><PropertyRef Name="Plant"/></Key>
<Property Name="No" Type="Edm.String" Nullable="false" MaxLength="18" sap:label="Equipment number"/>
<Property Name="Plant" Type="Edm.Int32" Nullable="false"/>
<Property Name="Name" Type="Edm.String">
<Annotation Term="com.sap.vocabularies.Common.v1.Label" String="Description"/></Property>
<Property Name="LastChangeDateTime" Type="Edm.DateTimeOffset" sap:creatable="false" sap:updatable="false"/>
{custom}<NavigationProperty Name="to_Partner" Type="Collection(API.PartnerType)"/></EntityType>
<EntityContainer Name="C">
<EntitySet Name="{sets}" EntityType="API.MachineType" sap:label="Machines"/></EntityContainer>
</Schema></edmx:DataServices></edmx:Edmx>"""
