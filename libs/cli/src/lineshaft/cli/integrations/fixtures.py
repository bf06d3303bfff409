"""Recorded answers of a source system."""

import json
from pathlib import Path
from typing import Any

from lineshaft.common.integrations import Fault, IntegrationError
from lineshaft.common.mapping.paths import PathError, compile_path, parse_path


def load_fixture(file: Path) -> dict[str, Any]:
    """Raises `IntegrationError` where the file is missing or no JSON object."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError:
        words = "is missing; record an answer of the system here, with recorded_from, request and answer"
        raise IntegrationError(Fault(file, words)) from None
    except json.JSONDecodeError as error:
        raise IntegrationError(Fault(file, error.msg, line=error.lineno)) from error
    if not isinstance(content, dict):
        raise IntegrationError(Fault(file, "has to be an object"))
    return content


def at(answer: Any, path: str) -> Any:
    """What lies there; the whole answer at an empty path."""
    return answer if not path else compile_path(parse_path(path))(answer)


def is_there(answer: Any, path: str) -> bool:
    """Whether there is such a place, be it empty."""
    here = answer
    for segment in parse_path(path).segments:
        if not isinstance(here, dict) or segment.name not in here:
            return False
        here = here[segment.name]
    return True


def records_of(file: Path) -> list[dict[str, Any]]:
    """The records of the recorded answer.

    Raises:
        IntegrationError: they are not where `records_path` says.
    """
    fixture = load_fixture(file)
    try:
        found = at(fixture["answer"], fixture.get("records_path") or "")
    except (KeyError, PathError) as error:
        raise IntegrationError(Fault(file, f"needs answer and records_path: {error}")) from error
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise IntegrationError(Fault(file, "leads to no list of records", "records_path"))
    return found
