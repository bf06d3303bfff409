"""Which objects a sync request asks for."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from lineshaft.common.errors import DeadLetterError
from lineshaft.common.integrations import System


@dataclass(frozen=True, slots=True)
class MappedObject:
    """An object that a mapping of this connection makes an entity of."""

    entity: str
    object: str


def objects_asked_for(
    system: System,
    mapped: Iterable[MappedObject],
    entities: Sequence[str] | None,
    objects: Sequence[str] | None,
    *,
    chosen: Collection[str] | None = None,
) -> list[str]:
    """The objects of a sync request, each once; all that the connection reads where none is named.

    Raises:
        DeadLetterError: an entity or object that this connection does not have, or does not read.
    """
    by_entity = {entity: [system.object_of(entity)] for entity in system.entities}
    for one in mapped:
        names = by_entity.setdefault(one.entity, [])
        if one.object not in names:
            names.append(one.object)
    of_entities = [name for names in by_entity.values() for name in names]
    if entities is None and objects is None:
        return [name for name in _once(of_entities) if system.reads(chosen, name)]
    known = {*of_entities, *system.manifest.objects}
    _refuse_unknown(system, "entity", entities, by_entity)
    _refuse_unknown(system, "object", objects, known)
    asked = _once([*(name for entity in entities or () for name in by_entity[entity]), *(objects or ())])
    if not asked:
        raise DeadLetterError("the request names neither an entity nor an object")
    if left_out := [name for name in asked if not system.reads(chosen, name)]:
        raise DeadLetterError(f"{', '.join(left_out)}: not among the objects that this connection reads")
    return asked


def _refuse_unknown(system: System, kind: str, asked: Sequence[str] | None, known: Iterable[str]) -> None:
    unknown = [name for name in asked or () if name not in set(known)]
    if unknown:
        raise DeadLetterError(
            f"{system.manifest.label} has no {kind} {', '.join(map(repr, unknown))} here; "
            f"it has {', '.join(sorted(known))}"
        )


def _once(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
