"""Whether the key of an object tells its rows apart, which nobody checks for a view."""

from collections import Counter
from collections.abc import Sequence

from lineshaft.common.outcomes import Operation, Outcome
from lineshaft.common.unified import join_source_key
from lineshaft.connector.adapters.protocols.sql_dialect import Row
from lineshaft.connector.adapters.protocols.sql_statements import Listing
from lineshaft.connector.adapters.protocols.sql_values import text_of
from lineshaft.connector.domain.evidence import Evidence, SourceFailureError


def told_apart(rows: Sequence[Row], listing: Listing, object_name: str) -> None:
    """A page that begins behind a key would pass over the others that share it, and over those without one.

    Raises:
        SourceFailureError: two rows of a page have the same key, or one has none.
    """
    places = [listing.fields.index(name) for name in listing.key]
    keys = [tuple(text_of(row[place]) for place in places) for row in rows]
    for name, place in zip(listing.key, places, strict=True):
        if any(row[place] is None for row in rows):
            raise _unfit(
                object_name, "key_is_null", f"a row has no {name}, which is of the key: leave such rows out"
            )
    if len(set(keys)) == len(keys):
        return
    ((shared, count),) = Counter(keys).most_common(1)
    words = f"{count} rows have {', '.join(listing.key)} = {join_source_key(shared)}"
    raise _unfit(object_name, "key_not_unique", f"{words}: the key of an object has to tell its rows apart")


def _unfit(object_name: str, code: str, words: str) -> SourceFailureError:
    return SourceFailureError(
        Evidence(Outcome.CONFIGURATION_ERROR, Operation.READ, object_name, code=code, message=words)
    )
