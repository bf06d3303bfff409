import pytest

from lineshaft.common.events.syncs import ObjectResult, SyncResult
from lineshaft.mapping.domain.syncs import complete, overall

COMPLETED, PARTIAL, FAILED = SyncResult.COMPLETED, SyncResult.PARTIALLY_COMPLETED, SyncResult.FAILED


@pytest.mark.parametrize(
    ("results", "whole"),
    [
        ([], COMPLETED),
        ([COMPLETED, COMPLETED], COMPLETED),
        ([COMPLETED, FAILED], PARTIAL),
        ([FAILED, FAILED], FAILED),
        ([PARTIAL], PARTIAL),
        ([PARTIAL, FAILED], PARTIAL),
    ],
)
def test_overall(results: list[SyncResult], whole: SyncResult) -> None:
    ended = [ObjectResult(object=str(index), result=result) for index, result in enumerate(results)]
    assert overall(ended) is whole


def test_complete_when_each_object_has_ended() -> None:
    ended = [ObjectResult(object="a", result=COMPLETED)]
    assert not complete(["a", "b"], ended)
    assert complete(["a"], ended)
