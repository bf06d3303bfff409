"""Arrays as the text that Postgres reads: asyncpg asks each element of a list whether it is a list itself.

For digests, ids and numbers alone, in which nothing has to be escaped.
"""

from collections.abc import Iterable


def of_ids(values: Iterable[str]) -> str:
    """For `$1::text::text[]`."""
    return '{"' + '","'.join(values) + '"}'


def of_numbers(values: Iterable[int]) -> str:
    """For `$1::text::bigint[]`."""
    return "{" + ",".join(map(str, values)) + "}"
