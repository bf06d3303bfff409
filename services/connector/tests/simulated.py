"""What the simulated systems share: a server on a port of its own that keeps what it was asked."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def path(self) -> str:
        return unquote(urlsplit(self.target).path)

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query, keep_blank_values=True)

    def first(self, name: str, otherwise: str = "") -> str:
        return self.query.get(name, [otherwise])[0]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Response:
    status: int
    body: Any = b""
    """Bytes go out as they are, anything else as JSON."""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Simulated:
    """`faults` are read by the subclass, which answers."""

    faults: dict[str, Any] = field(default_factory=dict)
    refusal: Response | None = None
    """What everybody is told, whatever is asked."""
    requests: list[Request] = field(default_factory=list)
    port: int = 0
    system: str = ""
    credentials: Mapping[str, str] = field(default_factory=dict)

    @property
    def connection_fields(self) -> dict[str, str]:
        return {"base_url": f"http://127.0.0.1:{self.port}", **self.credentials}

    def answer(self, request: Request) -> Response:
        raise NotImplementedError

    def asked(self, method: str = "GET") -> list[Request]:
        return [one for one in self.requests if one.method == method]

    @contextmanager
    def serving(self) -> Iterator[None]:
        handler = type("Handler", (_Handler,), {"source": self})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


class _Handler(BaseHTTPRequestHandler):
    source: Simulated
    protocol_version = "HTTP/1.1"
    wbufsize = 65_536

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base's signature
        """Quiet."""

    def handle(self) -> None:
        with suppress(ConnectionError):  # the network may fail in between
            super().handle()

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, body)
        self.source.requests.append(request)
        answer = self.source.refusal or self.source.answer(request)
        raw = isinstance(answer.body, bytes)
        content = answer.body if raw else json.dumps(answer.body).encode()
        self.send_response(answer.status)
        kind = {} if raw else {"content-type": "application/json"}
        for name, value in {**kind, **answer.headers}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_PATCH = do_PUT = do_DELETE = do_GET  # noqa: N815
