"""`/v1/systems`: what can be connected."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from lineshaft.api.domain.problems import not_found
from lineshaft.api.routes.answers import problems
from lineshaft.api.routes.authentication import CanRead
from lineshaft.api.routes.context import Api
from lineshaft.common.integrations import System as IntegrationSystem
from lineshaft.common.integrations import UnknownSystemError
from lineshaft.common.integrations.manifest import Credential, Setting

router = APIRouter(prefix="/v1/systems", tags=["systems"])


class Capability(BaseModel):
    entity: str
    object: str
    create: bool
    update: bool
    delete: bool
    incremental: bool = Field(description="A sync reads what changed; otherwise everything, each time.")


class ObjectModel(BaseModel):
    object: str
    label: str
    entities: list[str]


class SystemModel(BaseModel):
    system: str
    label: str
    description: str | None
    protocol: str
    verification: str = Field(
        description="`real`, `vendor-spec` or `doc-derived`: what it was tested against."
    )
    evidence: list[str]
    settings: list[Setting]
    credentials: list[Credential]
    entities: list[str]
    capabilities: list[Capability]
    objects: list[ObjectModel]
    custom_objects: bool


class Systems(BaseModel):
    data: list[SystemModel]
    next_cursor: None = None


@router.get("", responses=problems())
async def list_all(api: Api, _: CanRead) -> Systems:
    return Systems(data=[_shown(system) for system in api.catalog.systems.values()])


@router.get("/{system}", responses=problems(404))
async def get(api: Api, _: CanRead, system: Annotated[str, Path(max_length=100)]) -> SystemModel:
    try:
        return _shown(api.catalog.system(system))
    except UnknownSystemError:
        raise not_found("system") from None


def _shown(system: IntegrationSystem) -> SystemModel:
    manifest = system.manifest
    return SystemModel(
        system=system.id,
        label=manifest.label,
        description=manifest.description,
        protocol=manifest.protocol,
        verification=manifest.verification,
        evidence=manifest.evidence,
        settings=manifest.settings,
        credentials=manifest.credentials,
        entities=list(system.entities),
        capabilities=[_capability(system, entity) for entity in system.entities],
        objects=[
            ObjectModel(object=name, label=one.label, entities=list(system.entities_for(name)))
            for name, one in manifest.objects.items()
        ],
        custom_objects=manifest.custom_objects,
    )


def _capability(system: IntegrationSystem, entity: str) -> Capability:
    name = system.object_of(entity)
    source = system.object(name)
    return Capability(
        entity=entity,
        object=name,
        create=source.write.create,
        update=source.write.update,
        delete=source.write.delete,
        incremental=source.cursor is not None,
    )
