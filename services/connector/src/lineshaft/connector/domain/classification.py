"""Status and body shape to outcome: a table, read from the top, first match wins.

A manifest puts lines of its own before it. Codes are compared whole; free text is never searched.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from lineshaft.common.integrations.manifest import ErrorRule
from lineshaft.common.outcomes import Operation, Outcome, Rung
from lineshaft.connector.domain.evidence import Confidence


class BodyShape(StrEnum):
    EMPTY = "empty"
    HTML = "html"
    RESULT = "result"
    """JSON that holds what was asked for."""
    ERROR = "error"
    """JSON that says in the protocol's own form what went wrong."""
    JSON = "json"
    """Other JSON."""
    OTHER = "other"


def _no_body() -> Any:
    return None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one answer."""

    operation: Operation
    status: int
    shape: BodyShape
    code: str | None = None
    """The protocol's error class or code."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    body: Callable[[], Any] = _no_body
    """Decodes the body, for the lines of a manifest that look into it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """`None` matches anything; `statuses` are exact numbers or classes like `5xx`."""

    outcome: Outcome
    statuses: tuple[str, ...] | None = None
    shapes: tuple[BodyShape, ...] | None = None
    code: str | None = None
    operations: tuple[Operation, ...] | None = None
    rung: Rung | None = None
    confidence: Confidence = "high"
    name: str | None = None
    """The code that is shown; the answer's own where there is none."""

    def matches(self, facts: Facts) -> bool:
        return (
            (self.statuses is None or any(_covers(status, facts.status) for status in self.statuses))
            and (self.shapes is None or facts.shape in self.shapes)
            and (self.code is None or self.code == facts.code)
            and (self.operations is None or facts.operation in self.operations)
        )


HTTP_RULES: tuple[Rule, ...] = (
    Rule(Outcome.RATE_LIMITED, ("429",)),
    Rule(Outcome.CREDENTIALS_REJECTED, ("401",)),
    Rule(Outcome.UNREACHABLE, ("407",), rung=Rung.PROXY, name="proxy_authentication_required"),
    Rule(Outcome.UNREACHABLE, ("408", "504"), rung=Rung.TIMEOUT),
    Rule(Outcome.UNREACHABLE, ("403",), (BodyShape.HTML,), rung=Rung.PROXY, confidence="low"),
    Rule(Outcome.PERMISSION_DENIED, ("403",), confidence="medium"),
    Rule(Outcome.CONFIGURATION_ERROR, ("3xx",), name="redirected"),
    Rule(
        Outcome.INVALID_REQUEST,
        ("404", "410"),
        operations=(Operation.WRITE,),
        confidence="medium",
        name="no_such_record",
    ),
    Rule(Outcome.CONFIGURATION_ERROR, ("404", "405", "410"), name="not_there"),
    Rule(Outcome.SOURCE_ERROR, ("5xx",)),
    Rule(Outcome.INVALID_REQUEST, ("400", "409", "411", "412", "413", "415", "422")),
    Rule(Outcome.INVALID_REQUEST, ("4xx",), confidence="low"),
    Rule(Outcome.SOURCE_ERROR, ("2xx",), (BodyShape.HTML,), confidence="medium", name="html_for_json"),
    Rule(Outcome.OK, ("2xx",), (BodyShape.RESULT,)),
    Rule(Outcome.SOURCE_ERROR, confidence="low", name="unexpected_answer"),
)
"""What HTTP alone says; the last rule takes everything."""


def ruling(
    facts: Facts,
    protocol: Sequence[Rule],
    manifest: Sequence[ErrorRule] = (),
    *,
    fixed: Sequence[Rule] = (),
) -> Rule:
    """The manifest's line that fits, else the protocol's rule, else HTTP's.

    `fixed` comes before all: what the protocol knows better than a status can say.
    """
    for rule in fixed:
        if rule.matches(facts):
            return rule
    body = facts.body() if any(line.when.path for line in manifest) else None
    for line in manifest:
        if line.when.fits(facts.status, body, facts.operation, facts.headers):
            return Rule(line.outcome, name=line.code, confidence=line.confidence)
    return next(rule for rule in (*protocol, *HTTP_RULES) if rule.matches(facts))


def _covers(pattern: str, status: int) -> bool:
    if pattern.endswith("xx"):
        return pattern[0] == str(status // 100)
    return pattern == str(status)
