"""What a customer may choose to have read, and how their own records look then."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lineshaft.api.domain.wording import moment, plain, value
from lineshaft.common.events.commands import CommandProblem, SampledObject
from lineshaft.common.integrations import System
from lineshaft.common.mapping import compile_mapping, lineage
from lineshaft.common.outcomes import Outcome
from lineshaft.common.unified import Kind, fields_of, join_source_key

LONGEST_VALUE = 160


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a mapped record: what it becomes, and what it was."""

    name: str
    value: str
    sources: tuple[tuple[str, str], ...]
    """Source fields with what they hold."""


@dataclass(frozen=True, slots=True)
class MappedSample:
    entity: str
    title: str
    fields: tuple[Field, ...]
    empty: int
    """Fields that are mapped and hold nothing in this record."""


@dataclass(frozen=True, slots=True)
class Choice:
    object: str
    label: str
    entities: tuple[str, ...]
    refusal: str = ""
    """Why it cannot be read now, and whose move it is."""
    sensible: bool = True
    records: Sequence[Mapping[str, Any]] = ()


_REFUSALS: Mapping[str, str] = {
    Outcome.PERMISSION_DENIED: "This account may not read it. Whoever looks after {label} can allow that; if"
    " you choose it already, it is read as soon as they have.",
    Outcome.CONFIGURATION_ERROR: "{label} does not have it here, or hides it from this account. If you do not"
    " use it, there is nothing to do.",
}
_LATER = "{label} did not show it just now. There is nothing to do: if you choose it, it is read later."


def choices(system: System, sampled: Sequence[SampledObject]) -> list[Choice]:
    """Each object that the system offers, in its order."""
    found = {one.object: one for one in sampled}
    return [_choice(system, name, found.get(name)) for name in system.objects_for()]


def sample_of(system: System, choice: Choice) -> list[MappedSample]:
    """The fullest of the records, as each entity that is made of it."""
    if not choice.records:
        return []
    samples = [_mapped(system, choice.object, entity, _fullest(choice)) for entity in choice.entities]
    return [one for one in samples if one.fields]


def chosen_of(offered: Sequence[Choice], names: Collection[str]) -> list[str]:
    return [one.object for one in offered if one.object in names]


def _choice(system: System, name: str, sampled: SampledObject | None) -> Choice:
    problem = sampled.problem if sampled else CommandProblem(code="no_time_left", message="")
    return Choice(
        object=name,
        label=system.object(name).label,
        entities=system.entities_for(name),
        refusal=_refusal(problem, system.manifest.label) if problem else "",
        sensible=problem is None or problem.outcome not in _REFUSALS,
        records=sampled.records if sampled else (),
    )


def _refusal(problem: CommandProblem, label: str) -> str:
    return _REFUSALS.get(problem.outcome or "", _LATER).format(label=label)


def _fullest(choice: Choice) -> Mapping[str, Any]:
    return max(choice.records, key=_filled, default={})


def _filled(record: Mapping[str, Any]) -> int:
    return sum(one not in (None, "", False) for one in record.values())


def _mapped(system: System, name: str, entity: str, record: Mapping[str, Any]) -> MappedSample:
    definition = system.default_mapping(entity)
    raw = dict(record)
    source_id = join_source_key([raw.get(part, "") for part in system.object(name).key])
    document = compile_mapping(entity, definition).apply("", source_id, raw, "").document
    origins = lineage(definition, document, raw)
    fields = [
        Field(
            plain(path.removeprefix("custom_fields.")),
            _told(entity, path, origin.value),
            _sources(origin.reads),
        )
        for path, origin in origins.items()
        if _short(origin.value)
    ]
    title = document.get("display") or document.get("name") or document.get("number") or source_id
    return MappedSample(entity, str(title), tuple(fields), len(origins) - len(fields))


def _told(entity: str, name: str, held: Any) -> str:
    described = fields_of(entity).get(name)
    match described.kind.kind if described else None:
        case Kind.ENUMERATION:
            return plain(str(held))
        case Kind.TIMESTAMP:
            return moment(str(held))
        case _:
            return _short(held)


def _sources(reads: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((path, _short(held)) for path, held in reads.items())


def _short(anything: Any) -> str:
    text = value(anything)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"
