"""What the connect routes answer, for OpenAPI: pages for browsers, JSON for programs."""

from typing import Any

from lineshaft.api.routes.answers import JSON, PROBLEM_MEDIA_TYPE, problems

_PAGE: dict[str, Any] = {"text/html": {}}
_PAGE_OR_PROBLEM: dict[str, Any] = {
    **_PAGE,
    PROBLEM_MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}},
}
HTML: dict[int | str, dict[str, Any]] = {
    200: {"description": "A page", "content": _PAGE},
    404: {"description": "There is no such link", "content": _PAGE_OR_PROBLEM},
    410: {"description": "The link was used or has expired", "content": _PAGE_OR_PROBLEM},
}
SUBMIT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A page; with `Accept: application/json` the result.",
        "content": {
            **_PAGE,
            JSON: {
                "schema": {
                    "type": "object",
                    "required": ["status"],
                    "properties": {
                        "status": {"enum": ["connected", "verifying", "choosing", "refused", "consent"]},
                        "authorize_url": {"type": "string", "format": "uri"},
                        "code": {"type": "string"},
                        "connection_id": {"type": "string"},
                        "problem": {"type": "object"},
                    },
                }
            },
        },
    },
    303: {"description": "On to the vendor, or to a page that waits"},
    404: HTML[404],
    410: HTML[410],
}

CHOOSE: dict[int | str, dict[str, Any]] = {
    200: {"description": "What can be read, with a sample; or a page that waits for it", "content": _PAGE},
    303: {"description": "On to the vendor, or back to the login where another one followed"},
    404: HTML[404],
    410: HTML[410],
}

CALLBACK: dict[int | str, dict[str, Any]] = SUBMIT | {
    400: {"description": "The system did not let the customer in", "content": _PAGE},
    403: {"description": "The customer did not allow it, or began in another browser", "content": _PAGE},
}

FAILURES: dict[int | str, dict[str, Any]] = {
    status: {**one, "content": _PAGE_OR_PROBLEM}
    for status, one in problems().items()
    if status != 401  # noqa: PLR2004
}
