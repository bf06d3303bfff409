"""Stands before a source and learns its session tokens; on demand it answers with what it was asked."""

import json
import threading
from collections.abc import Callable
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx


class Echo(StrEnum):
    OFF = "off"
    USER_ERROR = "user_error"
    EXCEPTION = "exception"
    PAGE = "page"


class EchoingProxy:
    def __init__(self, target: str) -> None:
        self.echo = Echo.OFF
        self.session_tokens: set[str] = set()
        self.echoed = 0
        self._target = target
        self._server = serve(self._answer)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, str, bytes]:
        words = f"{headers.get('authorization', '')} {body.decode()}"[:400]
        if self.echo is not Echo.OFF:
            self.echoed += 1
        match self.echo:
            case Echo.OFF:
                return self._forward(path, headers, body)
            case Echo.USER_ERROR:
                return 200, "application/json", _error(["UserError", [words, "", ""]])
            case Echo.EXCEPTION:
                return 200, "application/json", _error([words, "Traceback"])
            case Echo.PAGE:
                return 500, "text/html", f"<html><title>{words}</title></html>".encode()

    def _forward(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, str, bytes]:
        kept: dict[str, str] = {
            name: headers[name] for name in ("authorization", "content-type") if name in headers
        }
        answer = httpx.post(self._target + path, content=body, headers=kept, timeout=60, trust_env=False)
        if b"common.db.login" in body and answer.is_success and answer.json().get("result"):
            self.session_tokens.add(answer.json()["result"][1])
        return answer.status_code, answer.headers.get("content-type", ""), answer.content


def _error(error: list[Any]) -> bytes:
    return json.dumps({"id": 1, "error": error}).encode()


def serve(
    answer: Callable[[str, dict[str, str], bytes], tuple[int, str, bytes]],
) -> ThreadingHTTPServer:
    """A running HTTP server on the loopback interface."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, kind, content = answer(self.path, headers, body)
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
