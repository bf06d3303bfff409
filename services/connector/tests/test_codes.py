"""Codes that sources declare for a field."""

from typing import Any

import pytest

from lineshaft.connector.adapters.protocols.odata_metadata import parse_metadata
from lineshaft.connector.adapters.protocols.tryton_fields import described
from lineshaft.connector.domain.codes import LONGEST_LABEL, MOST, declared_codes


@pytest.mark.parametrize(
    ("pairs", "codes"),
    [
        ([("a", "Active"), (None, ""), ("", ""), ("b", None)], {"a": "Active", "b": "b"}),
        ([(10, "Ten"), (True, "Yes")], {"10": "Ten", "true": "Yes"}),
        ([("a", "x" * 999)], {"a": "x" * LONGEST_LABEL}),
        ([(number, "") for number in range(MOST + 1)], {}),
    ],
)
def test_codes_are_as_mappings_look_them_up(pairs: list[tuple[Any, Any]], codes: dict[str, str]) -> None:
    assert declared_codes(pairs) == codes


def test_trytons_selections_unless_a_method_makes_them() -> None:
    fields = {
        "state": {"type": "selection", "selection": [["draft", "Draft"], ["done", "Done"], [None, ""]]},
        "type": {"type": "selection", "selection": "get_types"},
        "origin": {"type": "reference", "selection": [["sale.sale", "Sale"]]},
        "name": {"type": "char"},
    }
    found = {field.name: field.codes for field in described("purchase.purchase", fields, []).fields}
    assert found == {"state": {"draft": "Draft", "done": "Done"}, "type": {}, "origin": {}, "name": {}}


def test_members_of_an_odata_enumeration() -> None:
    document = b"""<Edmx><DataServices><Schema Namespace="NS">
      <EnumType Name="State"><Member Name="Open" Value="0"/><Member Name="Closed" Value="1"/></EnumType>
      <EntityType Name="Job"><Key><PropertyRef Name="no"/></Key>
        <Property Name="no" Type="Edm.String"/><Property Name="state" Type="NS.State"/></EntityType>
      <EntityContainer Name="C"><EntitySet Name="jobs" EntityType="NS.Job"/></EntityContainer>
    </Schema></DataServices></Edmx>"""
    found = {
        field.name: list(field.codes) for field in parse_metadata(document).described("job", "jobs").fields
    }
    assert found == {"no": [], "state": ["Open", "Closed"]}
