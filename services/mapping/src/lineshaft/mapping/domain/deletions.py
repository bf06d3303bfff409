"""Records that a complete read did not find: deleted at the source, unless there are suspiciously many."""

from datetime import timedelta

MOST = 10
LARGEST_SHARE = 0.2
LONGEST_READ = timedelta(days=30)
"""What a read that took longer has found is no longer known in full: it shows nothing to be gone."""


def is_suspicious(missing: int, known: int) -> bool:
    """So many at once that a narrowed right, a filter or a wrong database is more likely than deletions."""
    return missing > max(MOST, known * LARGEST_SHARE) or (missing == known and known > 1)
