"""A refusal of the credentials by one object: do they open anything else?"""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from lineshaft.common.outcomes import Outcome
from lineshaft.connector.domain.evidence import Evidence, SourceFailureError, shortened

ACCOUNT_LOCKED = "account_locked"
"""Each further attempt can make the lock last longer."""
UNDECIDED = frozenset({Outcome.UNREACHABLE, Outcome.SOURCE_ERROR, Outcome.RATE_LIMITED})


async def believed(evidence: Evidence, verify: Callable[[], Awaitable[object]]) -> Evidence:
    """Credentials are rejected only if the call that proves them is refused too.

    Some sources answer 401 where the account may not see one object. Where that call comes to nothing,
    its own failure is told, and nothing is decided.
    """
    refused = evidence.outcome is Outcome.CREDENTIALS_REJECTED and evidence.code != ACCOUNT_LOCKED
    if not refused or evidence.object is None:
        return evidence
    try:
        await verify()
    except SourceFailureError as failure:
        if failure.evidence.outcome in UNDECIDED:
            return replace(failure.evidence, object=evidence.object, operation=evidence.operation)
        return evidence
    words = f"{evidence.message or evidence.code or 'refused'} (the same credentials are accepted elsewhere)"
    return replace(evidence, outcome=Outcome.PERMISSION_DENIED, message=shortened(words), confidence="medium")
