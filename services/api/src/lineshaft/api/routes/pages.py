"""Server-rendered pages: no script within, no style but our own file, nothing from another host."""

from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.responses import HTMLResponse, Response

from lineshaft.api.domain.branding import Brand
from lineshaft.api.domain.wording import plain

STYLE_PATH = "/static/lineshaft.css"
BRAND_STYLE_PATH = "/static/brand.css"
WAIT_SCRIPT_PATH = "/static/wait.js"
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
    template: str,
    brand: Brand,
    *,
    status: int = 200,
    form_origins: tuple[str, ...] = (),
    scripted: bool = False,
    **values: Any,
) -> Response:
    """A page.

    `form_origins`: where the form's answer may redirect to; browsers check that against form-action.
    `scripted`: our own file may run, and ask the same address again.
    """
    html = _templates.get_template(template).render(
        brand=brand, style_paths=(STYLE_PATH, BRAND_STYLE_PATH), logo_path=LOGO_PATH, **values
    )
    return HTMLResponse(html, status_code=status, headers=page_headers(*form_origins, scripted=scripted))


def page_headers(*form_origins: str, scripted: bool = False) -> dict[str, str]:
    policy = [
        "default-src 'none'",
        *(("script-src 'self'", "connect-src 'self'") if scripted else ()),
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
def wait_script() -> bytes:
    return files("lineshaft.api").joinpath("static/wait.js").read_bytes()


@cache
def style() -> bytes:
    return files("lineshaft.api").joinpath("static/lineshaft.css").read_bytes()
