from lineshaft.common.mapping import Change, MappingDefinition, compile_mapping, preview, preview_record

CURRENT = compile_mapping("asset", MappingDefinition.parse({"fields": {"name": "n", "taxonomy_level": "l"}}))
CANDIDATE = compile_mapping(
    "asset",
    MappingDefinition.parse(
        {"fields": {"name": "n", "taxonomy_level": "m", "tag": "t"}, "custom_fields": {"class": "c"}}
    ),
)
RECORDS = [
    ("1", {"n": "Pump", "l": 6, "m": 6, "t": "T1", "c": "P1"}),
    ("2", {"n": "Fan", "l": 6, "m": "six"}),
    ("3", {"n": "Belt", "l": "seven", "m": 7}),
    ("4", {"n": "Motor"}),
]


def test_a_record_tells_what_changes_in_it() -> None:
    one = preview_record(CURRENT, CANDIDATE, "c", *RECORDS[0])
    assert one.changes == {"tag": Change(None, "T1"), "custom_fields.class": Change(None, "P1")}
    assert one.new_errors == one.mended_errors == ()


def test_new_and_mended_errors_are_told_apart() -> None:
    broken = preview_record(CURRENT, CANDIDATE, "c", *RECORDS[1])
    assert broken.changes == {"taxonomy_level": Change(6, None)}
    assert [error.path for error in broken.new_errors] == ["m"]
    mended = preview_record(CURRENT, CANDIDATE, "c", *RECORDS[2])
    assert [error.path for error in mended.mended_errors] == ["l"]


def test_a_dry_run_counts() -> None:
    total = preview(CURRENT, CANDIDATE, "c", RECORDS, samples=2)
    assert (total.records, total.changed, total.invalid) == (4, 3, 1)
    assert total.fields == {"tag": 1, "custom_fields.class": 1, "taxonomy_level": 2}
    assert total.filled == {"tag": 1, "custom_fields.class": 1, "taxonomy_level": 1}
    assert total.emptied == {"taxonomy_level": 1}
    assert total.errors == {"taxonomy_level": 1}
    assert [one.source_id for one in total.samples] == ["1", "2"]


def test_codes_that_the_value_map_does_not_know_are_counted() -> None:
    coded = MappingDefinition.parse(
        {
            "fields": {"status": {"path": "s", "value_map": "states"}},
            "value_maps": {"states": {"30": "in_service"}},
        }
    )
    records = [("1", {"s": "30"}), ("2", {"s": "40"}), ("3", {"s": "40"}), ("4", {"s": "50"})]
    total = preview(CURRENT, compile_mapping("asset", coded), "c", records)
    assert total.unmapped == {"status": {"40": 2, "50": 1}}
