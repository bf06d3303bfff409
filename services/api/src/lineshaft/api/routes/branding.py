"""The vendor's colour and logo, as files that the hosted pages name."""

from fastapi import APIRouter
from starlette.responses import FileResponse, Response

from lineshaft.api.domain.branding import LOGO_TYPES
from lineshaft.api.domain.problems import not_found
from lineshaft.api.routes.context import Api
from lineshaft.api.routes.pages import BRAND_STYLE_PATH, LOGO_PATH

CACHED = {"Cache-Control": "public, max-age=3600"}

router = APIRouter(include_in_schema=False)


@router.get(BRAND_STYLE_PATH)
async def stylesheet(api: Api) -> Response:
    return Response(api.brand.style, media_type="text/css", headers=CACHED)


@router.get(LOGO_PATH)
async def logo(api: Api) -> Response:
    """As an image alone: a policy keeps an SVG from running or loading anything."""
    path = api.brand.logo
    if path is None:
        raise not_found("logo")
    headers = {**CACHED, "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
    return FileResponse(path, media_type=LOGO_TYPES[path.suffix.lower()], headers=headers)
