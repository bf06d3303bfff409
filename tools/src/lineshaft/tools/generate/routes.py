"""Every route of `api`: what it does and which key opens it."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

from lineshaft.api.routes.application import create_application
from lineshaft.api.routes.authentication import ADMIN_KEY
from lineshaft.api.routes.context import Context
from lineshaft.common.unified import ENTITIES, ROUTES
from lineshaft.tools.generate.markdown import page, table

EXAMPLE = "work_order"
"""Of the routes that every entity has, these are shown."""


def routes_page() -> str:
    parts: dict[str, list[list[str]]] = {}
    for tag, row in _rows(description()):
        parts.setdefault(tag, []).append(row)
    example = ROUTES[EXAMPLE]
    return page(
        "Routes of the API",
        "A running `api` answers `/openapi.json` with requests and answers in full, and `/docs` with pages."
        " [Keys and scopes](../howto/secure.md#keys); a connection token sees its own connection.",
        f"The routes of `/v1/{example}` are there for every entity: "
        + ", ".join(f"`/v1/{ROUTES[entity]}`" for entity in ENTITIES if entity != EXAMPLE)
        + ".",
        *(
            part
            for tag in sorted(parts)
            for part in (f"## {tag}", table(["Route", "Key", "What it does"], parts[tag]))
        ),
    )


def description() -> dict[str, Any]:
    """The OpenAPI document, as a running `api` answers it."""
    context = SimpleNamespace(settings=SimpleNamespace(requests_per_minute=0))
    return create_application(cast("Context", context), {}).openapi()


def _rows(description: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    others = tuple(f"/v1/{ROUTES[entity]}" for entity in ENTITIES if entity != EXAMPLE)
    for path, methods in description["paths"].items():
        if path.startswith(others):
            continue
        for method, operation in methods.items():
            tags = operation.get("tags") or ["more"]
            does = (operation.get("description") or operation["summary"]).split("\n\n")[0].replace("\n", " ")
            yield tags[0], [f"`{method.upper()} {path}`", _key(operation), does]


def _key(operation: dict[str, Any]) -> str:
    security = operation.get("security")
    if not security:
        return ""
    ((scheme, (scope,)),) = security[0].items()
    return f"admin: {scope}" if scheme == ADMIN_KEY else f"token, or admin: {scope}"
