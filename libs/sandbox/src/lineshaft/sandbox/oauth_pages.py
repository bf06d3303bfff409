"""`/oauth/authorize`, where a person consents, and `/oauth/token`, where programs get tokens."""

import asyncio
import base64
import binascii
import html
from urllib.parse import parse_qsl, unquote_plus

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from lineshaft.sandbox.oauth import Provider, RefusedError

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Sandbox</title></head><body><main>
<h1>May {client} read and change your plant?</h1>
<form method="post">{fields}
<button name="decision" value="allow">Allow</button> <button name="decision" value="deny">Deny</button>
</form></main></body></html>"""


class OAuthPages:
    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def routes(self) -> list[Route]:
        return [
            Route("/oauth/authorize", self._ask),
            Route("/oauth/authorize", self._decide, methods=["POST"]),
            Route("/oauth/token", self._token, methods=["POST"]),
        ]

    async def _ask(self, request: Request) -> Response:
        fields = "".join(
            f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
            for name, value in request.query_params.items()
        )
        client = html.escape(request.query_params.get("client_id", ""))
        return HTMLResponse(PAGE.format(client=client, fields=fields))

    async def _decide(self, request: Request) -> Response:
        asked = await _form(request)
        try:
            return RedirectResponse(self._provider.consent(asked), 303)
        except RefusedError as error:
            return HTMLResponse(f"<p>{html.escape(error.description)}</p>", error.status)

    async def _token(self, request: Request) -> Response:
        asked = await _form(request)
        try:
            given = self._provider.token(asked, _client_of(request, asked))
        except RefusedError as error:
            body = {"error": error.error, "error_description": error.description}
            return JSONResponse(body, error.status, {"cache-control": "no-store"})
        # what was decided is told late: meanwhile others may come with the same token
        await asyncio.sleep(self._provider.habits.delay_seconds)
        return JSONResponse(given, headers={"cache-control": "no-store"})


async def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl((await request.body()).decode(errors="replace"), keep_blank_values=True))


def _client_of(request: Request, asked: dict[str, str]) -> tuple[str, str]:
    """Id and secret, from the header or from the form."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return asked.get("client_id", ""), asked.get("client_secret", "")
    try:
        name, _, secret = base64.b64decode(encoded).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return unquote_plus(name), unquote_plus(secret)
