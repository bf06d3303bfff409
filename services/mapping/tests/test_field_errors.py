from datetime import UTC, datetime

import pytest

from lineshaft.common.mapping import FieldError
from lineshaft.mapping.domain.field_errors import FieldErrorCounts, field_name
from lineshaft.mapping.domain.labels import entity_label, field_label

AT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("name", "name"),
        ("lines.2.quantity", "lines.quantity"),
        ("fits_assets.14", "fits_assets"),
        ("custom_fields.x2", "custom_fields.x2"),
    ],
)
def test_positions_in_lists_do_not_count_apart(field: str, name: str) -> None:
    assert field_name(field) == name


def test_what_customers_name_is_one_label() -> None:
    assert field_label("custom_fields.anything") == "custom_fields"
    assert field_label("lines.quantity") == "lines.quantity"
    assert entity_label("custom:tool") == "custom"
    assert entity_label("item") == "item"


def test_counts_per_field_with_the_last_sample() -> None:
    counts = FieldErrorCounts()
    for source_id, sample in (("1", "a"), ("2", "b\0\ud800")):
        error = FieldError("days", "days", "invalid_value", "no number", sample)
        counts.add(
            connection_id="c", entity="item", mapping_version=1, source_id=source_id, at=AT, errors=[error]
        )
    (count,) = counts.all()
    assert (count.count, count.sample, count.source_id) == (2, "b?", "2")
