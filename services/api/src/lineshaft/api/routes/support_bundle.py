"""`/v1/connections/{id}/support-bundle`: everything for whoever is to help, in one archive, no secrets."""

import asyncio
import platform
from collections.abc import Collection, Mapping
from datetime import datetime
from importlib.metadata import version
from typing import Any

import orjson
from fastapi import APIRouter
from starlette.responses import Response

from lineshaft.api.adapters.postgres import SQL
from lineshaft.api.domain.cleansing import cleaned, cleaned_settings
from lineshaft.api.domain.connections import Connection
from lineshaft.api.domain.support_bundle import Part, affected_operations, archive, readme
from lineshaft.api.routes.answers import problems
from lineshaft.api.routes.authentication import CanRead, ConnectionPath
from lineshaft.api.routes.context import Api, Context
from lineshaft.api.routes.existence import require_connection, require_known
from lineshaft.api.routes.health import describe

ZIP = "application/zip"
ERRORS = TIMELINE = 500
ISSUES = 200
SYNCS = 50
MAPPINGS = 200

router = APIRouter(prefix="/v1/connections", tags=["health"])


@router.get(
    "/{connection_id}/support-bundle",
    response_class=Response,
    responses={
        200: {"content": {ZIP: {"schema": {"type": "string", "format": "binary"}}}},
        **problems(404),
    },
)
async def support_bundle(api: Api, _: CanRead, connection_id: ConnectionPath) -> Response:
    """One zip: status, verdict, ladder, issues, timeline, errors, syncs and versions; nothing secret."""
    connection = await require_connection(api.pool, connection_id)
    known = await require_known(api.pool, connection_id)
    made_at = api.clock()
    status = _plain({**describe(api, known), "reauthorize_url": None})
    del status["metadata"]  # the vendor's own, perhaps of a customer
    status["affected"] = affected_operations(status["verdict"])
    status["calls"] = (known.binding or {}).get("objects", [])
    ladder = await api.pool.fetchval(SQL["ladder"], connection_id)
    contents: dict[str, Any] = {
        "connection": _shown(connection),
        "status": status,
        "ladder": ladder,
        "issues": await _rows(api, "issues", connection_id, None, None, ISSUES, None),
        "timeline": await _rows(api, "timeline", connection_id, None, None, TIMELINE),
        "errors": await _rows(api, "errors", connection_id, None, None, ERRORS, None, None, None),
        "syncs": await _rows(api, "syncs", connection_id, None, None, SYNCS, None),
        "mappings": await _rows(api, "mapping_history", connection_id, MAPPINGS),
        "versions": await _versions(api, connection.system),
    }
    names = await _names(api, connection)
    # half a second of work for a connection with a long history: other requests go on meanwhile
    body = await asyncio.to_thread(_built, contents, names, made_at)
    name = f"lineshaft-{connection_id}-{made_at:%Y%m%dT%H%M%SZ}.zip"
    return Response(
        body,
        media_type=ZIP,
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


def _built(contents: Mapping[str, Any], names: Collection[str], made_at: datetime) -> bytes:
    parts = {name: Part(cleaned(content, names)) for name, content in contents.items()}
    connection, status, ladder = (parts[name].content for name in ("connection", "status", "ladder"))
    first = readme(connection["connection_id"], connection["system"], status, ladder, made_at)
    return archive(parts, first, made_at)


def _shown(connection: Connection) -> dict[str, Any]:
    """Neither the login nor the vendor's metadata."""
    shown: dict[str, Any] = _plain(
        {
            "connection_id": connection.connection_id,
            "system": connection.system,
            "lifecycle": connection.lifecycle,
            "settings": cleaned_settings(connection.settings),
            "credential_version": connection.credential_version,
            "revision": connection.revision,
            "created_at": connection.created_at,
            "changed_at": connection.changed_at,
            "changed_by": connection.changed_by,
        }
    )
    return shown


async def _names(api: Context, connection: Connection) -> frozenset[str]:
    """Objects and fields of the source, as its manifest and its own description name them."""
    system = api.catalog.systems.get(connection.system)
    names = set(system.manifest.objects) if system else set()
    for row in await api.pool.fetch(SQL["field_names"], connection.connection_id):
        names |= {row["object"], *row["names"]}
    return frozenset(names)


async def _versions(api: Context, system: str) -> dict[str, Any]:
    known = api.catalog.systems.get(system)
    return {
        "lineshaft": version("lineshaft-api"),
        "http_api": "v1",
        "integration": f"{system}, manifest {known.manifest.manifest}"
        if known
        else f"{system}, not installed",
        "python": platform.python_version(),
        "postgres": await api.pool.fetchval("show server_version"),
    }


async def _rows(api: Context, statement: str, *arguments: Any) -> list[Mapping[str, Any]]:
    rows: list[Mapping[str, Any]] = _plain(
        [dict(row) for row in await api.pool.fetch(SQL[statement], *arguments)]
    )
    return rows


def _plain(value: Any) -> Any:
    """As JSON would have it."""
    return orjson.loads(orjson.dumps(value, default=str))
