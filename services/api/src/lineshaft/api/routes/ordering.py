"""An order of an operator: sent to the service that carries it out, and its answer waited for."""

from typing import Any

from starlette.responses import Response

from lineshaft.api.adapters import audit
from lineshaft.api.adapters.commands import ask
from lineshaft.api.domain.problems import not_found
from lineshaft.api.routes.answers import Json
from lineshaft.api.routes.context import Context
from lineshaft.api.routes.operations import ORDERS, OperationModel, problem_of, shown_operation
from lineshaft.common.events.commands import Command

ACCEPTED = 202
_NOT_ASKED_FOR = {"command_id", "connection_id", "actor", "asked_by"}

SLOW: dict[int | str, dict[str, Any]] = {
    ACCEPTED: {"model": OperationModel, "description": "It takes longer"}
}


async def order(api: Context, command: Command, kind: str, *, by: str) -> Response:
    """200 with the result, or 202 with the operation where it takes longer; `kind` is one of `ORDERS`."""
    await send(api, command, kind, by=by)
    return await _answer(api, command)


async def send(api: Context, command: Command, kind: str, *, by: str) -> None:
    """For whoever looks at the operation later."""
    async with api.pool.acquire() as tx, tx.transaction():
        await ask(tx, command, kind=kind, key=command.connection_id, request={"operation": ORDERS[kind]})
        wanted = command.model_dump(mode="json", exclude=_NOT_ASKED_FOR)
        await audit.note(
            tx,
            f"order.{ORDERS[kind]}",
            by=by,
            at=api.clock(),
            connection_id=command.connection_id,
            subject=wanted.get("object") or wanted.get("issue_id") or "",
            after=wanted,
        )


async def _answer(api: Context, command: Command) -> Response:
    known = await api.waiters.wait(command.command_id, api.settings.write_wait_seconds)
    if known is None:
        raise not_found("operation", connection_id=command.connection_id)
    if known.completed_at is None:
        return Json(
            await shown_operation(api, known),
            status_code=ACCEPTED,
            headers={"Location": f"/v1/operations/{known.command_id}"},
        )
    if (error := problem_of(known)) is not None:
        raise error
    return Json(known.result)
