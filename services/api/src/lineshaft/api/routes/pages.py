"""Server-rendered pages: no script, no style but our own file, nothing from another host."""

from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.responses import HTMLResponse, Response

from lineshaft.api.domain.branding import Brand
from lineshaft.api.domain.wording import plain

STYLE_PATH = "/static/lineshaft.css"
BRAND_STYLE_PATH = "/static/brand.css"
LOGO_PATH = "/static/brand-logo"

_templates = Environment(
    loader=PackageLoader("lineshaft.api"),
    autoescape=select_autoescape(default=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters["plain"] = plain


def render(
    template: str, brand: Brand, *, status: int = 200, form_origins: tuple[str, ...] = (), **values: Any
) -> Response:
    """`form_origins`: where the form's answer may redirect to; browsers check that against form-action."""
    html = _templates.get_template(template).render(
        brand=brand, style_paths=(STYLE_PATH, BRAND_STYLE_PATH), logo_path=LOGO_PATH, **values
    )
    return HTMLResponse(html, status_code=status, headers=page_headers(*form_origins))


def page_headers(*form_origins: str) -> dict[str, str]:
    policy = [
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self'",
        " ".join(["form-action 'self'", *form_origins]),
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ]
    return {
        "Content-Security-Policy": "; ".join(policy),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Cache-Control": "no-store",
    }


@cache
def style() -> bytes:
    return files("lineshaft.api").joinpath("static/lineshaft.css").read_bytes()
