"""Who does the work: people, teams, work centres and contractors."""

from typing import Literal

from lineshaft.common.unified.entity import Entity
from lineshaft.common.unified.values import Code, Money, PersonReference, SiteReference

PersonKind = Literal["person", "team", "work_center", "contractor"]


class Person(Entity):
    """A person or a group of people (CCOM Agent); `kind` tells which."""

    entity: Literal["person"] = "person"
    kind: PersonKind | None = None
    kind_source: Code | None = None
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    employee_number: str | None = None
    role: str | None = None
    craft: str | None = None
    skills: list[str] | None = None
    site: SiteReference | None = None
    parent_team: PersonReference | None = None
    members: list[PersonReference] | None = None
    hourly_rate: Money | None = None
    active: bool | None = None
