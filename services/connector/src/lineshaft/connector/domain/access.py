"""What mappings and schedule need of a source, and what becomes of it with what the source grants."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lineshaft.common.events.access import Permission
from lineshaft.common.integrations.manifest import Credential, SourceObject
from lineshaft.common.outcomes import Grant, NeededBy, Verb
from lineshaft.connector.domain.protocol import UNKNOWN_RIGHT, Need, Right


@dataclass(frozen=True, slots=True)
class Wanted:
    need: Need
    needed_by: tuple[NeededBy, ...]
    read_before: Collection[str] = field(default=())
    """Fields that a complete read had."""


def wanted_of(
    name: str, listed: SourceObject, fields: Iterable[str], *, scheduled: bool, read_before: Collection[str]
) -> list[Wanted]:
    """Reading for mapping and schedule, and each way of writing that the system offers."""
    by = (NeededBy.MAPPING, NeededBy.SCHEDULE) if scheduled else (NeededBy.MAPPING,)
    verbs = [verb for verb in Verb if verb is not Verb.READ and getattr(listed.write, verb)]
    return [
        Wanted(Need(name, Verb.READ, tuple(fields)), by, read_before),
        *(Wanted(Need(name, verb), (NeededBy.WRITES,)) for verb in verbs),
    ]


def permissions_of(wanted: Iterable[Wanted], rights: Mapping[Need, Right]) -> list[Permission]:
    return [_permission(one, rights.get(one.need, UNKNOWN_RIGHT)) for one in wanted]


def _permission(wanted: Wanted, right: Right) -> Permission:
    """A field that is not shown and was read before is known to be there: it is the right that is missing."""
    known = bool(right.fields) and set(right.fields) <= set(wanted.read_before)
    denied = right.grant is Grant.UNKNOWN and known
    return Permission(
        object=wanted.need.object,
        verb=wanted.need.verb,
        needed_by=list(wanted.needed_by),
        granted=Grant.DENIED if denied else right.grant,
        fields=list(right.fields),
    )


def expiry(
    told: datetime | None,
    form: Iterable[Credential],
    values: Mapping[str, str],
    promoted_at: datetime,
) -> datetime | None:
    """The first end of the credentials: told by the source, typed by the customer, or known of their kind."""
    ends = [told]
    for credential in form:
        if credential.expiry and credential.key in values:
            ends.append(datetime.fromisoformat(values[credential.key]).replace(tzinfo=promoted_at.tzinfo))
        if credential.lifetime_days is not None:
            ends.append(promoted_at + timedelta(days=credential.lifetime_days))
    return min((end for end in ends if end is not None), default=None)
