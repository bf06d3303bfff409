"""How many messages of a replay may be queued now, and when to look again."""

MOST_OUTSTANDING = 100
"""Of a replay; so that what happens meanwhile does not wait behind all of it."""
LONGEST_BURST_SECONDS = 2.0
SHORTEST_PAUSE_SECONDS = 0.5
_MORE_THAN_ENOUGH = 1.01


def allowance(*, per_second: float, seconds: float, outstanding: int) -> int:
    """For `seconds` since the last time; a pause is made up for only briefly, but one is always earned."""
    most = max(LONGEST_BURST_SECONDS, _MORE_THAN_ENOUGH / per_second)
    earned = per_second * min(max(seconds, 0.0), most)
    return max(0, min(int(earned), MOST_OUTSTANDING - outstanding))


def pause_seconds(per_second: float) -> float:
    """Until at least one more is earned."""
    return max(SHORTEST_PAUSE_SECONDS, _MORE_THAN_ENOUGH / per_second)
