"""`/v1/connections/{id}/schema/{object}`: what the source has changed, and what is to follow."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from lineshaft.api.adapters.drift import ObjectDrift, drift_of
from lineshaft.api.routes.answers import Json, problems
from lineshaft.api.routes.authentication import CanManage, CanRead, ConnectionPath
from lineshaft.api.routes.context import Api
from lineshaft.api.routes.existence import require_connection
from lineshaft.api.routes.ordering import SLOW, order
from lineshaft.common.events.drift import (
    DriftPolicy,
    DriftPolicyRequested,
    FieldChange,
    HurtField,
    SchemaChangesAccepted,
)
from lineshaft.common.ids import new_id
from lineshaft.common.mapping import MappingDefinition

router = APIRouter(prefix="/v1/connections/{connection_id}/schema/{object}", tags=["source schema"])

ObjectPath = Annotated[str, Path(max_length=200)]


class ObjectDriftModel(BaseModel):
    """Of one object of the source."""

    object: str
    policy: DriftPolicy = Field(
        description="offer: changes are told, and reading goes on as far as nothing known would be emptied."
        " hold: the object is not read until a change that the mapping feels was accepted."
        " ignore: nothing is told, and what is gone becomes empty."
    )
    changes: list[FieldChange] = Field(description="Since somebody accepted what the object is.")
    changed_at: datetime | None


class MappingDriftModel(BaseModel):
    """The open changes of the source, where they hurt a mapping."""

    policy: DriftPolicy
    held: bool = Field(description="The object is not read until somebody accepts or maps anew.")
    fields: list[HurtField]
    offered: list[str] = Field(description="New source fields that the mapping does not read.")


class PolicyOrder(BaseModel):
    model_config = ConfigDict(extra="forbid")

    policy: DriftPolicy


class Accepted(BaseModel):
    accepted: int = Field(description="How many changes were open.")


@router.get("", responses={200: {"model": ObjectDriftModel}, **problems(403, 404)}, response_class=Json)
async def get_drift(
    api: Api,
    _: CanRead,
    connection_id: ConnectionPath,
    object: ObjectPath,  # noqa: A002  the name in the path
) -> Json:
    """How an object of the source has changed, and what follows when it does."""
    await require_connection(api.pool, connection_id)
    return Json(shown_object(object, await drift_of(api.pool, connection_id, object)))


@router.put(
    "/policy",
    responses={200: {"model": ObjectDriftModel}, **SLOW, **problems(403, 404)},
    response_class=Json,
)
async def put_policy(
    api: Api,
    caller: CanManage,
    connection_id: ConnectionPath,
    object: ObjectPath,  # noqa: A002
    body: PolicyOrder,
) -> Response:
    """What follows when this object changes; one that the source does not have yet may be named too."""
    await require_connection(api.pool, connection_id)
    command = DriftPolicyRequested(
        command_id=new_id("op"),
        connection_id=connection_id,
        object=object,
        policy=body.policy,
        actor=caller.key_id,
    )
    answer = await order(api, command, "drift_policy", by=caller.key_id)
    if answer.status_code != 200:  # noqa: PLR2004
        return answer
    return Json(shown_object(object, await drift_of(api.pool, connection_id, object)))


@router.post(
    "/accept", responses={200: {"model": Accepted}, **SLOW, **problems(403, 404)}, response_class=Json
)
async def accept(
    api: Api,
    caller: CanManage,
    connection_id: ConnectionPath,
    object: ObjectPath,  # noqa: A002
) -> Response:
    """The object is as it is now: a mapped field that is gone becomes empty, and all of it is read again."""
    await require_connection(api.pool, connection_id)
    command = SchemaChangesAccepted(
        command_id=new_id("op"), connection_id=connection_id, object=object, actor=caller.key_id
    )
    return await order(api, command, "accept_changes", by=caller.key_id)


def shown_object(name: str, drift: ObjectDrift) -> dict[str, Any]:
    return {
        "object": name,
        "policy": drift.policy,
        "changes": [change.model_dump(mode="json") for change in drift.changes],
        "changed_at": drift.changed_at,
    }


def shown_mapping(drift: ObjectDrift, definition: MappingDefinition) -> dict[str, Any]:
    return {
        "policy": drift.policy,
        "held": drift.holds(definition),
        "fields": [hurt.model_dump(mode="json") for hurt in drift.hurts(definition)],
        "offered": drift.offers(definition),
    }
