"""`/v1/connections/{id}/schedule`: how often the source is read without being asked."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import ConfigDict, Field
from starlette.responses import Response

from lineshaft.api.adapters.postgres import SQL
from lineshaft.api.domain.problems import invalid
from lineshaft.api.routes.answers import Json, problems
from lineshaft.api.routes.authentication import CanManage, CanRead, ConnectionPath
from lineshaft.api.routes.catalog import system_of
from lineshaft.api.routes.context import Api, Context
from lineshaft.api.routes.existence import require_connection
from lineshaft.api.routes.ordering import SLOW, order
from lineshaft.common.events.commands import Frequency, ScheduleRequested
from lineshaft.common.ids import new_id

ALL_OTHERS = ""

router = APIRouter(prefix="/v1/connections/{connection_id}/schedule", tags=["syncs"])


class ScheduleOrder(Frequency):
    model_config = ConfigDict(extra="forbid")

    objects: dict[str, Frequency] = Field(
        default_factory=dict, max_length=200, description="Source objects with a frequency of their own."
    )


class ScheduledRead(Frequency):
    next_at: datetime | None = Field(description="When what changed is read next.")
    next_full_at: datetime | None = Field(description="When everything is read next.")


class Schedule(ScheduledRead):
    connection_id: str
    objects: dict[str, ScheduledRead]
    updated_at: datetime | None
    updated_by: str | None = Field(description="A key's id, or `default`.")


@router.get("", responses={200: {"model": Schedule}, **problems(404)}, response_class=Json)
async def get_schedule(api: Api, _: CanRead, connection_id: ConnectionPath) -> Json:
    await require_connection(api.pool, connection_id)
    return Json(await _shown(api, connection_id))


@router.put("", responses={200: {"model": Schedule}, **SLOW, **problems(404)}, response_class=Json)
async def put_schedule(
    api: Api, caller: CanManage, connection_id: ConnectionPath, body: ScheduleOrder
) -> Response:
    """Replace the schedule. A sync that is due while another one waits is the same sync."""
    connection = await require_connection(api.pool, connection_id)
    system = system_of(api.catalog, connection.system)
    if not system.manifest.custom_objects:
        for name in body.objects:
            if name not in system.manifest.objects:
                known = ", ".join(system.manifest.objects)
                raise invalid(
                    f"objects.{name}", f"there is no {name!r}; there are {known}", connection_id=connection_id
                )
    command = ScheduleRequested(
        command_id=new_id("op"),
        connection_id=connection_id,
        frequency=Frequency(every_minutes=body.every_minutes, full_every_hours=body.full_every_hours),
        objects=body.objects,
        actor=caller.key_id,
    )
    answer = await order(api, command, "schedule", by=caller.key_id)
    return Json(await _shown(api, connection_id)) if answer.status_code == 200 else answer  # noqa: PLR2004


async def _shown(api: Context, connection_id: str) -> dict[str, Any]:
    rows = {row["object"]: row for row in await api.pool.fetch(SQL["schedule"], connection_id)}
    rest = rows.pop(ALL_OTHERS, None)
    return {
        "connection_id": connection_id,
        **_read(rest),
        "objects": {name: _read(row) for name, row in rows.items()},
        "updated_at": rest["changed_at"] if rest else None,
        "updated_by": rest["changed_by"] if rest else None,
    }


def _read(row: Any) -> dict[str, Any]:
    return {
        "every_minutes": row["every_minutes"] if row else None,
        "full_every_hours": row["full_every_hours"] if row else None,
        "next_at": row["due_at"] if row else None,
        "next_full_at": row["full_due_at"] if row else None,
    }
