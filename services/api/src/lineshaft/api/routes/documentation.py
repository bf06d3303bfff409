"""`/docs`, from the API's own description, and the style of the pages."""

from collections import defaultdict
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from lineshaft.api.domain.branding import Brand
from lineshaft.api.domain.problems import DEFAULTS
from lineshaft.api.routes.pages import STYLE_PATH, WAIT_SCRIPT_PATH, render, style, wait_script

router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def docs(request: Request) -> Response:
    description = request.app.openapi()
    by_tag: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            for tag in operation.get("tags", ["other"]):
                by_tag[tag].append(
                    {
                        "method": method.upper(),
                        "path": path,
                        "summary": operation.get("summary", ""),
                        "description": operation.get("description", ""),
                        "parameters": [
                            (one["name"], one["in"], one.get("description", ""))
                            for one in operation.get("parameters", [])
                        ],
                        "responses": [
                            (status, one.get("description", ""))
                            for status, one in operation.get("responses", {}).items()
                        ],
                    }
                )
    return render(
        "docs.html",
        Brand(),
        title=f"{description['info']['title']} {description['info']['version']}",
        about=description["info"].get("description", ""),
        tags=by_tag,
        problems=[(code, status, text) for code, (status, text) in DEFAULTS.items()],
    )


@router.get(STYLE_PATH)
async def stylesheet() -> Response:
    return Response(style(), media_type="text/css", headers={"Cache-Control": "public, max-age=3600"})


@router.get(WAIT_SCRIPT_PATH)
async def wait_script_file() -> Response:
    headers = {"Cache-Control": "public, max-age=3600"}
    return Response(wait_script(), media_type="text/javascript", headers=headers)
