"""`lineshaft webhooks listen`: the webhooks of a running Lineshaft on a developer's machine."""

import signal
import threading
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Annotated, Any

import httpx
import typer

from lineshaft.cli.access import api
from lineshaft.client.webhooks import WebhookVerificationError, verify

PASSED_ON = ("content-type", "webhook-id", "webhook-timestamp", "webhook-signature")
FORWARD_SECONDS = 15.0

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Webhooks, for developers.")


@app.callback()
def _group() -> None:
    """A group, so that its one command keeps its name."""


@app.command()
def listen(
    *,
    forward_to: Annotated[str | None, typer.Option(help="Your handler: http://localhost:3000/hooks.")] = None,
    public_url: Annotated[
        str | None,
        typer.Option(help="Where a tunnel leads here; without it Lineshaft must run on this machine."),
    ] = None,
    port: Annotated[int, typer.Option(help="0: any that is free.")] = 0,
    event_type: Annotated[list[str] | None, typer.Option(help="Only these; all without one.")] = None,
) -> None:
    """Makes an endpoint, shows each verified event, and passes it on; the endpoint is deleted at the end."""
    server = _Listener(("127.0.0.1", port), forward_to)
    url = public_url or f"http://127.0.0.1:{server.server_port}/"
    with api() as lineshaft:
        endpoint = lineshaft.transport.send(
            "POST",
            "/webhook-endpoints",
            {"url": url, "description": "lineshaft webhooks listen", "event_types": event_type or []},
        )
        server.secret = endpoint["secret"]
        typer.echo(f"{endpoint['id']} listens at {url}; its secret is {server.secret}")
        for stop in (signal.SIGINT, signal.SIGTERM):
            signal.signal(stop, lambda *_: threading.Thread(target=server.shutdown).start())
        try:
            server.serve_forever()
        finally:
            server.server_close()
            lineshaft.transport.send("DELETE", f"/webhook-endpoints/{endpoint['id']}")


class _Listener(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], forward_to: str | None) -> None:
        super().__init__(address, _Handler)
        self.forward_to = forward_to
        self.secret = ""

    def take(self, headers: dict[str, str], body: bytes) -> int:
        """What to answer Lineshaft: 401 for what it did not sign, else what the developer's handler says."""
        try:
            event = verify(self.secret, headers, body)
        except WebhookVerificationError:
            return 401
        status = self._forward(headers, body) if self.forward_to else 204
        about = event["data"].get("connection_id") or "-"
        at = datetime.now().astimezone()
        typer.echo(f"{at:%H:%M:%S}  {event['type']}  {about}  {headers['webhook-id']}  {status}")
        return status

    def _forward(self, headers: dict[str, str], body: bytes) -> int:
        passed = {name: headers[name] for name in PASSED_ON if name in headers}
        try:
            return httpx.post(
                str(self.forward_to), content=body, headers=passed, timeout=FORWARD_SECONDS
            ).status_code
        except httpx.TransportError as error:
            typer.echo(f"{self.forward_to}: {error or type(error).__name__}", err=True)
            return 502


class _Handler(BaseHTTPRequestHandler):
    server: _Listener

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.send_response(self.server.take(headers, body))
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class's name
        """The listener says what there is to say."""
