import pytest

from lineshaft.common.errors import DeadLetterError
from lineshaft.mapping.domain.mappings import InForce, Mappings, compile_effective, entities_of

from .builders import SYSTEM, a_system

CHANGED = {"fields": {"name": "code"}}


def in_force(entity: str, object_name: str, version: int = 2) -> InForce:
    return InForce("con_1", entity, object_name, version)


def test_the_default_until_a_row_replaces_it() -> None:
    system = a_system()
    assert entities_of(system, "product", {}) == {"item": None}
    row = in_force("item", "product")
    assert entities_of(system, "product", {"item": row}) == {"item": row}


def test_an_entity_moved_to_another_object() -> None:
    row = in_force("item", "article")
    assert entities_of(a_system(), "product", {"item": row}) == {}
    assert entities_of(a_system(), "article", {"item": row}) == {"item": row}


def test_a_custom_object() -> None:
    row = in_force("custom:tool", "tool", 1)
    assert entities_of(a_system(), "tool", {"custom:tool": row}) == {"custom:tool": row}


def test_a_custom_object_over_a_listed_one_changes_no_keys_of_it() -> None:
    mappings, system = Mappings({SYSTEM: a_system()}, 2), a_system()
    mine = compile_effective("custom:mine", 2, {"key": ["code"], "custom_fields": {"n": "name"}})
    plan = [mine, mappings.default(system, "item")]
    assert mappings.key_reader(system, "product", plan)(b'{"id": 42, "code": "P-42"}') == "42"
    assert mappings.key_reader(system, "tool", [mine])(b'{"id": 42, "code": "P-42"}') == "P-42"


def test_the_least_recently_used_is_compiled_again() -> None:
    mappings = Mappings({SYSTEM: a_system()}, 2)
    first, second, third = (in_force("item", "product", version) for version in (2, 3, 4))
    mappings.add(first, CHANGED)
    mappings.add(second, CHANGED)
    assert mappings.customers(first) is not None
    mappings.add(third, CHANGED)
    assert mappings.customers(second) is None
    assert mappings.customers(first) is not None


def test_what_is_kept_of_a_definition_is_compiled_but_for_the_keys_of_custom_objects() -> None:
    assert compile_effective("item", 2, CHANGED).definition is None
    custom = compile_effective("custom:mine", 2, {"key": ["code"], "custom_fields": {"n": "name"}})
    assert custom.definition is not None


def test_the_digest_follows_the_definition() -> None:
    same = compile_effective("item", 2, CHANGED).digest
    assert compile_effective("item", 3, CHANGED).digest == same
    assert compile_effective("item", 3, {"fields": {"name": "name"}}).digest != same


@pytest.mark.parametrize("body", [{"fields": {"nme": "code"}}, {"field": {}}, {"fields": {"name": "a..b"}}])
def test_a_definition_that_is_not_valid(body: dict[str, object]) -> None:
    with pytest.raises(DeadLetterError, match="mapping of item, version 2"):
        compile_effective("item", 2, body)


def test_an_entity_that_does_not_exist() -> None:
    with pytest.raises(DeadLetterError, match="mapping of itm"):
        compile_effective("itm", 2, CHANGED)


def test_unknown_systems_and_objects_are_named() -> None:
    mappings = Mappings({SYSTEM: a_system()}, 2)
    with pytest.raises(DeadLetterError, match="'sap'"):
        mappings.system("sap")
