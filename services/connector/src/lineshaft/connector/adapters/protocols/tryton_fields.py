"""Tryton's descriptions of fields and of rights."""

from collections.abc import Mapping, Sequence
from typing import Any

from lineshaft.common.outcomes import Grant, Verb
from lineshaft.connector.domain.codes import listed_codes
from lineshaft.connector.domain.protocol import FieldDescription, Need, ObjectDescription, Right

_OF_CODES = frozenset({"selection", "multiselection"})
_NEVER_PLAIN = frozenset({"binary", "one2many", "many2many", "one2one"})


def described(
    name: str, fields: Mapping[str, Mapping[str, Any]], registered: Sequence[Mapping[str, Any]]
) -> ObjectDescription:
    """From the answer of `fields_get`, which leaves out what the account may not see, and the registry."""
    hidden = tuple(
        FieldDescription(
            name=str(field["name"]),
            type=str(field.get("ttype", "")),
            label=str(field["name"]),
            relation=field.get("relation"),
            stored=False,
            readable=False,
        )
        for field in registered
        if field["name"] not in fields
    )
    return ObjectDescription(
        name=name,
        label=name,
        fields=hidden
        + tuple(
            FieldDescription(
                name=field,
                type=str(facts.get("type", "")),
                label=str(facts.get("string") or field),
                required=bool(facts.get("required")),
                readonly=bool(facts.get("readonly")),
                relation=facts.get("relation"),
                stored=_is_plain(facts),
                codes=listed_codes(facts.get("selection")) if facts.get("type") in _OF_CODES else {},
            )
            for field, facts in fields.items()
        ),
    )


def _is_plain(facts: Mapping[str, Any]) -> bool:
    """Tryton loads what it computes lazily; what it can also sort and search by is a column somewhere."""
    if facts.get("type") in _NEVER_PLAIN:
        return False
    return facts.get("loading", "eager") == "eager" or bool(facts.get("sortable") and facts.get("searchable"))


def denied_objects(access: Mapping[str, Mapping[str, Any]], object_name: str, right: str) -> list[str]:
    """From the answer of `get_access`: where the right is missing; related objects need only be readable."""
    return [
        name for name, rights in access.items() if not rights.get(right if name == object_name else "read", 1)
    ]


RIGHTS: Mapping[Verb, str] = {
    Verb.READ: "read",
    Verb.CREATE: "create",
    Verb.UPDATE: "write",
    Verb.DELETE: "delete",
}


def right_to(need: Need, description: ObjectDescription, access: Mapping[str, Mapping[str, Any]]) -> Right:
    """From the answer of `get_access` on the object and those that it refers to.

    A dotted field needs the object behind it to be readable, any field that the account may see it.
    """
    if not access.get(need.object, {}).get(RIGHTS[need.verb], 1):
        return Right(Grant.DENIED)
    fields = {field.name: field for field in description.fields}
    closed = tuple(
        name
        for name in need.fields
        if (field := fields.get(name.split(".", 1)[0])) is not None
        and (not field.readable or ("." in name and not access.get(field.relation or "", {}).get("read", 1)))
    )
    return Right(Grant.DENIED, closed) if closed else Right(Grant.GRANTED)


def related_objects(registered: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[str]:
    """The objects behind these fields, each once."""
    relations = {field["name"]: field.get("relation") for field in registered}
    return list(dict.fromkeys(relation for name in names if (relation := relations.get(name))))
