"""What the systems' folders have recorded of refusals."""

import json
from pathlib import Path

from lineshaft.common.outcomes import Operation, Outcome

from .simulated import Response

INTEGRATIONS = Path(__file__).parents[3] / "integrations"


def recorded_refusal(system: str, outcome: Outcome) -> Response | None:
    """The first of that kind; where only a write was refused, a read will do."""
    file = INTEGRATIONS / system / "fixtures" / "errors.json"
    found = [
        one for one in json.loads(file.read_text(encoding="utf-8"))["cases"] if one["outcome"] == outcome
    ]
    if not found:
        return None
    found.sort(key=lambda one: one["operation"] == Operation.WRITE)
    case, *_ = found
    body = case["body"] if isinstance(case["body"], str) else json.dumps(case["body"])
    kind = case.get("content_type", "application/json" if isinstance(case["body"], dict) else "text/plain")
    return Response(case["status"], body.encode(), {"content-type": kind})
