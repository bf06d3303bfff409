"""Records that a complete read did not find: deleted at the source, unless there are suspiciously many."""

MOST = 10
LARGEST_SHARE = 0.2


def is_suspicious(missing: int, known: int) -> bool:
    """So many at once that a narrowed right, a filter or a wrong database is more likely than deletions."""
    return missing > max(MOST, known * LARGEST_SHARE) or (missing == known and known > 1)
