"""What all console pages share: the files they load, and how they look to this reader."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from lineshaft.api.console.notices import back_to
from lineshaft.api.console.pages import HOME, MEDIA_TYPES, THEME_COOKIE, THEMES, asset, asset_path
from lineshaft.api.console.visitors import Form, require_own_origin
from lineshaft.api.domain.problems import not_found
from lineshaft.api.domain.sign_in import safe_target

YEAR = 365 * 24 * 3600

router = APIRouter(prefix=HOME)


@router.get("/static/{version}/{name:path}")
async def static(
    version: Annotated[str, Path(max_length=20)], name: Annotated[str, Path(max_length=100)]
) -> Response:
    content = asset(name)
    if content is None or not asset_path(name).startswith(f"{HOME}/static/{version}/"):
        raise not_found("file")
    media_type = MEDIA_TYPES[name[name.rfind(".") :]]
    headers = {"Cache-Control": f"public, max-age={YEAR}, immutable", "X-Content-Type-Options": "nosniff"}
    return Response(content, media_type=media_type, headers=headers)


@router.post("/theme")
async def choose_theme(request: Request, form: Form) -> Response:
    """Kept in the browser; it changes nothing for anybody else."""
    require_own_origin(request)
    response = back_to(safe_target(str(form.get("here", "")), HOME))
    theme = str(form.get("theme", ""))
    if theme in THEMES:
        response.set_cookie(THEME_COOKIE, theme, max_age=YEAR, path=HOME, httponly=True, samesite="strict")
    else:
        response.delete_cookie(THEME_COOKIE, path=HOME, httponly=True, samesite="strict")
    return response
