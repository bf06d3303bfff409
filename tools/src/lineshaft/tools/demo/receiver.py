"""A vendor's webhook endpoint: verifies each signature and keeps what came."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks.webhooks import Webhook


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request; `problem` says why its signature was not accepted."""

    id: str
    body: dict[str, Any]
    received_at: float
    problem: str | None = None
    traceparent: str | None = None

    @property
    def type(self) -> str:
        return str(self.body.get("type"))

    @property
    def connection_id(self) -> str | None:
        value = self.body.get("data", {}).get("connection_id")
        return str(value) if value is not None else None


@dataclass(slots=True)
class WebhookReceiver:
    """Listens on the loopback interface. `secret` is set once the endpoint exists."""

    port: int = 0
    secret: str = ""
    status: int = 204
    deliveries: list[Delivery] = field(default_factory=list)
    _arrived: threading.Condition = field(default_factory=threading.Condition)
    _server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/webhooks"

    def start(self) -> None:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                if receiver.status < 300:  # noqa: PLR2004
                    receiver.accept(body, dict(self.headers.items()))
                self.send_response(receiver.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, name="webhook-receiver", daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def accept(self, body: bytes, headers: dict[str, str]) -> None:
        lower = {name.lower(): value for name, value in headers.items()}
        problem = None
        parsed: Any = {}
        try:
            parsed = Webhook(self.secret).verify(body, lower)
        except Exception as error:  # noqa: BLE001  whatever the library dislikes is the answer
            problem = repr(error)
        with self._arrived:
            self.deliveries.append(
                Delivery(lower.get("webhook-id", ""), parsed, time.time(), problem, lower.get("traceparent"))
            )
            self._arrived.notify_all()

    def wait_for(self, wanted: Callable[[Delivery], bool], seconds: float) -> Delivery:
        """The first delivery that fits.

        Raises:
            TimeoutError: none came in time.
        """
        deadline = time.monotonic() + seconds
        with self._arrived:
            while True:
                for delivery in self.deliveries:
                    if wanted(delivery):
                        return delivery
                left = deadline - time.monotonic()
                if left <= 0 or not self._arrived.wait(left):
                    seen = [delivery.type for delivery in self.deliveries]
                    raise TimeoutError(f"no such webhook within {seconds:.0f} s; came: {seen}")
