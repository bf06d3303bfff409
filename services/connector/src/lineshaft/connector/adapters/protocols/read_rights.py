"""Rights of a source that has no table of them to ask: found out by reading one record of each object."""

from collections.abc import Awaitable, Callable, Sequence

from lineshaft.common.outcomes import Grant, Outcome, Verb
from lineshaft.connector.domain.evidence import OF_THE_CONNECTION, SourceFailureError
from lineshaft.connector.domain.protocol import UNKNOWN_RIGHT, Need, Page, Right

FIELDS_MISSING = "fields_missing"


async def rights_by_reading(
    needs: Sequence[Need], read_one: Callable[[Need], Awaitable[Page]]
) -> dict[Need, Right]:
    """Writes are not tried."""
    found: dict[Need, Right] = {}
    for need in needs:
        if need.verb is not Verb.READ:
            continue
        try:
            await read_one(need)
        except SourceFailureError as failure:
            if failure.evidence.outcome in OF_THE_CONNECTION:
                raise
            found[need] = right_of(failure)
        else:
            found[need] = Right(Grant.GRANTED)
    return found


def right_of(failure: SourceFailureError) -> Right:
    """What a refused call tells of the right to make it."""
    evidence = failure.evidence
    if evidence.outcome is Outcome.PERMISSION_DENIED:
        return Right(Grant.DENIED, (evidence.field,) if evidence.field else ())
    return Right(Grant.GRANTED) if evidence.code == FIELDS_MISSING else UNKNOWN_RIGHT
