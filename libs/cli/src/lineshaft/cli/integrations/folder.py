"""What is wrong with one system's folder: with its files, and with what should lie beside them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineshaft.cli.integrations.fixtures import is_there, load_fixture, records_of
from lineshaft.common.integrations import Fault, IntegrationError, System
from lineshaft.common.integrations.manifest import SourceObject
from lineshaft.common.integrations.system import MANIFEST, MAPPING

HEADINGS = ("What you get", "Set up", "Reconnect", "Limits", "Troubleshooting")
TODO = re.compile(r"\bTODO\b:?\s*(.*)")
TEXTS = (".yaml", ".md", ".json", ".sql")


@dataclass(frozen=True, slots=True)
class Examined:
    name: str
    system: System | None
    """None where its files cannot be loaded."""
    faults: tuple[Fault, ...]


def names_of(folder: Path) -> list[str]:
    """Every sub-folder that has a file of a system."""
    found = {file.parent.name for name in (MANIFEST, MAPPING) for file in folder.glob(f"*/{name}")}
    return sorted(found)


def examine(place: Path) -> Examined:
    faults: list[Fault] = []
    system = None
    try:
        system = System.load(place)
    except IntegrationError as error:
        faults.extend(error.faults)
    faults.extend(_todos(place))
    faults.extend(_readme_faults(place / "README.md"))
    if system is not None:
        faults.extend(_fixture_faults(place / "fixtures", system))
    return Examined(place.name, system, tuple(faults))


def _todos(place: Path) -> Iterator[Fault]:
    for file in sorted(one for one in place.rglob("*") if one.suffix in TEXTS):
        for number, line in enumerate(file.read_text("utf-8", "replace").splitlines(), 1):
            if found := TODO.search(line):
                yield Fault(file, f"TODO: {found[1]}", line=number)


def _readme_faults(file: Path) -> Iterator[Fault]:
    if not file.is_file():
        yield Fault(file, f"is missing; its headings are {', '.join(HEADINGS)}")
        return
    lines = file.read_text(encoding="utf-8").splitlines()
    found = [line.removeprefix("## ") for line in lines if line.startswith("## ")]
    if [heading for heading in found if heading in HEADINGS] != list(HEADINGS):
        yield Fault(file, f"the headings have to be, in this order, {', '.join(HEADINGS)}")


def _place_faults(file: Path, fixture: Mapping[str, Any], described: SourceObject) -> Iterator[Fault]:
    """Where the manifest looks in vain for the next page, the first one would be all that is read."""
    if described.paging is None:
        return
    said = fixture.get("records_path") or None
    if described.records_path is not None and said != described.records_path:
        words = f"is {said or 'empty'}, and the manifest says {described.records_path}"
        yield Fault(file, words, "records_path")
    for key in ("next_path", "total_path", "more_path"):
        path = getattr(described.paging, key)
        if path is not None and not is_there(fixture["answer"], path):
            words = f"has nothing at {path}, where the manifest's paging.{key} looks: keep it whole"
            yield Fault(file, words, "answer")


def _fixture_faults(fixtures: Path, system: System) -> Iterator[Fault]:
    for name in system.objects_for():
        file = fixtures / f"{name}.json"
        try:
            fixture = load_fixture(file)
            if not fixture.get("recorded_from"):
                yield Fault(file, "says where it was recorded", "recorded_from")
            if not records_of(file):
                yield Fault(file, "has no records", "answer")
            yield from _place_faults(file, fixture, system.object(name))
        except IntegrationError as error:
            yield from error.faults
    for entity in system.entities:
        if not (fixtures / f"{entity}.expected.json").is_file():
            words = f"is missing; `lineshaft integrations expect {system.id}` writes it"
            yield Fault(fixtures / f"{entity}.expected.json", words)
    if not (fixtures / "errors.json").is_file():
        yield Fault(
            fixtures / "errors.json", "is missing; it holds the system's refusals and what they come to"
        )
