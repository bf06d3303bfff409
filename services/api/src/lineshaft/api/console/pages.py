"""Console pages: our own scripts and styles, nothing inline, nothing from another host."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

import orjson
from fastapi import Request
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.responses import HTMLResponse, Response

from lineshaft.api.console import notices
from lineshaft.api.console.words import FILTERS
from lineshaft.api.domain.problems import Problem
from lineshaft.api.routes.answers import request_id_of
from lineshaft.api.routes.context import context_of
from lineshaft.common import exact_json
from lineshaft.common.clock import now

INVALID = 422
HOME = "/console"
THEME_COOKIE = "lineshaft_theme"
THEMES = ("light", "dark")

_POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
)
HEADERS = {
    "Content-Security-Policy": "; ".join(_POLICY),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}

MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@cache
def asset(name: str) -> bytes | None:
    """A file of `static/`; None for a name that is none."""
    suffix = name[name.rfind(".") :]
    if suffix not in MEDIA_TYPES or ".." in name or "\\" in name:
        return None
    path = files("lineshaft.api.console").joinpath("static", *name.split("/"))
    return path.read_bytes() if path.is_file() else None


@cache
def asset_path(name: str) -> str:
    """The address changes with the content, so that browsers may keep it for ever."""
    content = asset(name)
    if content is None:
        raise LookupError(f"no asset {name}")
    return f"{HOME}/static/{hashlib.sha256(content).hexdigest()[:12]}/{name}"


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("lineshaft.api.console"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(FILTERS)
    environment.filters["json"] = _pretty
    environment.filters["codeline"] = lambda code: (code, "")
    environment.globals.update(asset=asset_path, home=HOME, control_key=_control_key)
    return environment


def _control_key(name: str) -> str:
    """A name as part of a control's name, in which dots have a meaning."""
    return hashlib.sha256(name.encode()).hexdigest()[:12]


def _pretty(value: Any) -> str:
    return exact_json.encode(value, option=orjson.OPT_INDENT_2, default=str).decode()


_templates = _environment()


def page(
    request: Request,
    template: str,
    *,
    http_status: int = 200,
    headers: Mapping[str, str] | None = None,
    at: datetime | None = None,
    **values: Any,
) -> Response:
    """`visitor` is among the values wherever somebody is signed in."""
    notice = notices.take(request)
    theme = request.cookies.get(THEME_COOKIE)
    html = _templates.get_template(template).render(
        notice=notice,
        theme=theme if theme in THEMES else "auto",
        here=request.url.path,
        now=at or context_of(request).clock(),
        **{"visitor": None, **values},
    )
    response = HTMLResponse(html, status_code=http_status, headers={**HEADERS, **(headers or {})})
    if notice is not None:
        notices.drop(response)
    return response


def problem_page(found: Problem, request: Request) -> Response:
    """A whole page, or the line that a part of a page shows in its place."""
    template = "problem_part.html" if is_part(request) else "problem.html"
    return page(
        request,
        template,
        http_status=found.status,
        at=now(),
        problem=found,
        request_id=request_id_of(request),
    )


def is_part(request: Request) -> bool:
    """Whether htmx asks for a part of a page."""
    return request.headers.get("hx-request") == "true"
