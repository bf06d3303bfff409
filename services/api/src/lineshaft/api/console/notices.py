"""A line that the next page shows once: what has been done, or why it could not be."""

import base64
from dataclasses import dataclass
from typing import Literal

import orjson
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

COOKIE = "lineshaft_notice"
LONGEST = 600
SEE_OTHER = 303


@dataclass(frozen=True, slots=True)
class Notice:
    kind: Literal["done", "failed"]
    text: str


def back_to(target: str, notice: Notice | None = None) -> Response:
    response = RedirectResponse(target, status_code=SEE_OTHER, headers={"Cache-Control": "no-store"})
    if notice is not None:
        text = base64.urlsafe_b64encode(orjson.dumps([notice.kind, notice.text[:LONGEST]])).decode()
        response.set_cookie(COOKIE, text, max_age=60, path="/console", httponly=True, samesite="strict")
    return response


def take(request: Request) -> Notice | None:
    text = request.cookies.get(COOKIE)
    if not text:
        return None
    try:
        kind, words = orjson.loads(base64.urlsafe_b64decode(text))
    except (ValueError, TypeError):
        return None
    return Notice("failed" if kind == "failed" else "done", str(words)[:LONGEST])


def drop(response: Response) -> None:
    response.delete_cookie(COOKIE, path="/console", httponly=True, samesite="strict")
