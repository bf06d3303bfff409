"""Runs subjects, each in a process of its own on one core, and in turn."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from harness.meter import MEASURED
from harness.stack import SUBJECT_CORE

BENCH = Path(__file__).parents[1]
TIMEOUT_SECONDS = 1_800

Result = dict[str, Any]


class SubjectError(RuntimeError):
    """A subject did not do its work."""


@dataclass(frozen=True, slots=True)
class Subject:
    name: str
    script: str
    options: Mapping[str, Any] = field(default_factory=dict)
    python: Path = Path(sys.executable)
    before: Callable[[], None] | None = None
    """Puts things in place before each run."""


def run_subject(subject: Subject, common: Mapping[str, Any]) -> Result:
    """What the subject measured of itself."""
    if subject.before is not None:
        subject.before()
    finished = subprocess.run(
        [
            str(subject.python),
            str(BENCH / "subjects" / subject.script),
            json.dumps({**common, **subject.options}),
        ],
        env={**os.environ, "PYTHONPATH": str(BENCH)},
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_SECONDS,
        preexec_fn=_pin,
    )
    for line in finished.stdout.splitlines():
        if line.startswith(MEASURED) and finished.returncode == 0:
            result: Result = json.loads(line.removeprefix(MEASURED))
            return result
    said = (finished.stdout + finished.stderr)[-4_000:]
    raise SubjectError(f"{subject.name}: code {finished.returncode}\n{said}")


def alternated(
    subjects: Sequence[Subject],
    common: Mapping[str, Any],
    rounds: int,
    *,
    around: Callable[[Callable[[], Result]], Result] | None = None,
) -> dict[str, list[Result]]:
    """All subjects in each round; the results by subject's name."""
    results: dict[str, list[Result]] = {subject.name: [] for subject in subjects}
    for number in range(1, rounds + 1):
        for subject in subjects:
            asked = {**common, "run": f"{number}-{len(results[subject.name])}-{subject.name}"}

            def run(subject: Subject = subject, asked: Mapping[str, Any] = asked) -> Result:
                return run_subject(subject, asked)

            result = around(run) if around else run()
            results[subject.name].append(result)
            micros = result["cpu_seconds"] / result["records"] * 1e6
            print(f"  round {number}: {subject.name}: {micros:.1f} µs", file=sys.stderr)
    return results


def middle(results: Sequence[Result], key: str) -> float:
    return float(median(result[key] for result in results))


def micros_per_record(results: Sequence[Result], key: str = "cpu_seconds") -> float:
    return float(median(result[key] / result["records"] for result in results)) * 1e6


def _pin() -> None:
    os.sched_setaffinity(0, {SUBJECT_CORE})
