"""Versions of a mapping: who changed what, and an earlier one put in force again."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from lineshaft.api.console.connection import ConnectionPath, frame
from lineshaft.api.console.mapping_workbench import EntityPath
from lineshaft.api.console.notices import Notice, back_to
from lineshaft.api.console.pages import HOME, page
from lineshaft.api.console.visitors import Editor, Form, Signed
from lineshaft.api.domain.problems import ProblemError, not_found
from lineshaft.api.routes import mappings
from lineshaft.api.routes.context import Api
from lineshaft.api.routes.existence import require_connection
from lineshaft.common.whole_numbers import whole_number

router = APIRouter(prefix=HOME + "/connections/{connection_id}/mapping")


@router.get("/{entity}/versions")
async def versions(
    request: Request,
    api: Api,
    visitor: Signed,
    connection_id: ConnectionPath,
    entity: EntityPath,
) -> Response:
    connection = await require_connection(api.pool, connection_id)
    found = (await mappings.versions(api, visitor.caller, connection_id, entity)).content["data"]
    before = [*found[1:], {"overlay": {}}]
    rows = [
        {**one, "changes": _differences(earlier["overlay"], one["overlay"])}
        for one, earlier in zip(found, before, strict=True)
    ]
    return page(
        request,
        "mapping_versions.html",
        **await frame(api, visitor, connection),
        entity=entity,
        versions=rows,
    )


def _differences(before: dict[str, Any], after: dict[str, Any]) -> list[dict[str, Any]]:
    """Each part that one version has otherwise than the version before it."""
    untouched = "as in the default"
    return [
        {"name": f"{part}.{name}", "before": old.get(name, untouched), "after": new.get(name, untouched)}
        for part in ("fields", "custom_fields", "value_maps")
        for old, new in [(before.get(part) or {}, after.get(part) or {})]
        for name in dict.fromkeys((*old, *new))
        if old.get(name, untouched) != new.get(name, untouched)
    ]


@router.post("/{entity}/rollback")
async def rollback(
    *, api: Api, visitor: Editor, connection_id: ConnectionPath, entity: EntityPath, form: Form
) -> Response:
    target = f"{HOME}/connections/{connection_id}/mapping/{entity}"
    version = whole_number(str(form.get("version", "")), mappings.NO_VERSION)
    if not version:
        raise not_found("version")
    try:
        answer = await mappings.rollback(
            api=api,
            caller=visitor.caller,
            connection_id=connection_id,
            entity=entity,
            body=mappings.Rollback(version=version),
        )
    except ProblemError as error:
        return back_to(f"{target}/versions", Notice("failed", error.problem.detail))
    words = f"Version {answer.content['version']} is in force, with the changes of version {version}."
    return back_to(target, Notice("done", words))
