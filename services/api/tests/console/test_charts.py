from datetime import timedelta
from typing import Any

from lineshaft.api.console.charts import HEIGHT, SHOWN, chart_of
from lineshaft.common.clock import now


def a_sync(records: int | None, result: str | None = "completed", **more: Any) -> dict[str, Any]:
    at = now()
    return {
        "mode": "incremental",
        "status": result or "running",
        "result": result,
        "records": records,
        "objects": [{"records": 7}, {"records": 3}],
        "created_at": at,
        "ended_at": at + timedelta(seconds=90),
        "completed_at": None,
    } | more


def test_the_newest_is_at_the_right_and_the_largest_is_as_high_as_the_drawing() -> None:
    chart = chart_of([a_sync(50, "failed"), a_sync(100), a_sync(None, None)])
    assert chart is not None
    assert [bar.tone for bar in chart.bars] == ["info", "good", "bad"]
    assert [round(bar.height, 1) for bar in chart.bars] == [6.4, HEIGHT, 32.0]
    assert [bar.x for bar in chart.bars] == [12.0 * place for place in (SHOWN - 3, SHOWN - 2, SHOWN - 1)]
    assert "incremental: 50 records in 1 min, failed" in chart.bars[-1].told
    assert chart.told == "The last 3 syncs: at most 100 records, 1 with failures"


def test_syncs_that_read_nothing_are_seen() -> None:
    chart = chart_of([a_sync(0), a_sync(0)])
    assert chart is not None
    assert all(bar.height > 0 and bar.y < HEIGHT for bar in chart.bars)


def test_one_sync_is_no_history() -> None:
    assert chart_of([a_sync(1)]) is None
