"""When a sync is complete, and what it came to."""

from collections.abc import Iterable, Sequence

from lineshaft.common.events.syncs import ObjectResult, SyncResult


def complete(expected: Iterable[str], ended: Iterable[ObjectResult]) -> bool:
    return set(expected) <= {result.object for result in ended}


def overall(ended: Sequence[ObjectResult]) -> SyncResult:
    """Failed only if nothing could be read."""
    results = {result.result for result in ended}
    if results <= {SyncResult.COMPLETED}:
        return SyncResult.COMPLETED
    if results == {SyncResult.FAILED}:
        return SyncResult.FAILED
    return SyncResult.PARTIALLY_COMPLETED
