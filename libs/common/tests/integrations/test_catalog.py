from pathlib import Path
from typing import Any

import pytest
import yaml

from lineshaft.common.integrations import Catalog, EntityMapping, IntegrationError, System, UnknownSystemError
from lineshaft.common.mapping import MappingDefinition

MANIFEST: dict[str, Any] = {
    "manifest": 1,
    "id": "plantbook",
    "label": "Plantbook",
    "protocol": "rest",
    "verification": "doc-derived",
    "evidence": ["made up for this test"],
    "settings": [{"key": "base_url", "title": "Address", "type": "url"}],
    "credentials": [{"key": "user", "title": "User", "secret": False}, {"key": "token", "title": "Token"}],
    "auth": {"strategy": "bearer"},
    "verify": {"request": {"path": "/me"}, "account": "{account}", "account_path": "id"},
    "objects": {
        "machines": {
            "label": "Machines",
            "key": ["plant", "no"],
            "cursor": {"field": "changed", "fallback": "made", "parameter": "since"},
            "fields": ["extra"],
            "paging": {"type": "none"},
        },
        "orders": {"label": "Orders", "key_type": "integer", "paging": {"type": "none"}},
    },
}
MAPPING: dict[str, Any] = {
    "asset": {
        "object": "machines",
        "fields": {"name": "title", "location": {"path": "hall", "label_path": "hall.name"}},
    },
    "site": {"object": "machines", "fields": {"name": "plant"}},
    "work_order": {"object": "orders", "fields": {"title": "text"}},
}


def write(folder: Path, manifest: dict[str, Any] = MANIFEST, mapping: dict[str, Any] = MAPPING) -> Path:
    place = folder / "plantbook"
    place.mkdir()
    (place / "manifest.yaml").write_text(yaml.safe_dump(manifest, sort_keys=False))
    (place / "mapping.yaml").write_text(yaml.safe_dump(mapping, sort_keys=False))
    return place


@pytest.fixture
def system(tmp_path: Path) -> System:
    write(tmp_path)
    return Catalog.load(tmp_path).system("plantbook")


def test_a_system_knows_its_objects_and_entities(system: System) -> None:
    assert system.entities == ("asset", "site", "work_order")
    assert system.object_of("asset") == "machines"
    assert system.entities_for("machines") == ("asset", "site")
    assert system.objects_for() == ("machines", "orders")
    assert system.objects_for(["site", "asset"]) == ("machines",)
    assert system.key_types() == {"asset": "string", "site": "string", "work_order": "integer"}
    assert system.manifest.secrets == ("token",)
    assert system.default_mapping("vendor") == MappingDefinition()
    with pytest.raises(KeyError):
        system.objects_for(["vendor"])
    with pytest.raises(KeyError):
        system.object("unheard_of")


def test_a_read_requests_what_is_mapped_and_what_finds_changes(system: System) -> None:
    assert system.source_fields_for("machines") == (
        "plant",
        "no",
        "changed",
        "made",
        "extra",
        "title",
        "hall",
        "hall.name",
    )


def test_effective_definitions_take_the_place_of_the_defaults(system: System) -> None:
    asset = MappingDefinition.parse({"fields": {"name": "label"}, "custom_fields": {"x": "x_class"}})
    fields = system.source_fields_for("machines", {"asset": asset})
    assert "title" not in fields
    assert {"label", "x_class", "plant"} <= set(fields)
    other = {"work_order": asset}
    assert "label" not in system.source_fields_for("machines", other)
    custom = {"custom:gauge": MappingDefinition.parse({"custom_fields": {"v": "value"}})}
    assert "value" in system.source_fields_for("machines", custom)


def test_custom_objects_have_the_defaults(tmp_path: Path) -> None:
    write(tmp_path, {**MANIFEST, "custom_objects": True})
    system = Catalog.load(tmp_path).system("plantbook")
    assert system.object("x_gauge").key == ["id"]
    assert system.source_fields_for("x_gauge") == ("id",)


def test_what_definitions_say_of_an_object_counts_where_the_manifest_says_nothing(tmp_path: Path) -> None:
    write(tmp_path, {**MANIFEST, "custom_objects": True})
    system = Catalog.load(tmp_path).system("plantbook")
    plain = MappingDefinition.parse({"custom_fields": {"v": "value"}})
    by_number = MappingDefinition.parse({"key": ["number"], "cursor": "seen"})
    of_one = system.with_objects({"x_gauge": [plain, by_number], "machines": [by_number]})
    gauge = of_one.object("x_gauge")
    assert (gauge.key, gauge.cursor and gauge.cursor.field) == (["number"], "seen")
    assert of_one.object("machines") == system.object("machines", [by_number]) == system.object("machines")


def test_a_default_mapping_keeps_its_zone() -> None:
    mapping = EntityMapping.model_validate({"object": "order", "timezone": "Europe/Berlin"})
    assert mapping.definition.timezone == "Europe/Berlin"


def test_an_unknown_system_has_near_names(system: System, tmp_path: Path) -> None:
    with pytest.raises(UnknownSystemError, match="there is no system 'plantbok'; there are plantbook"):
        Catalog.load(tmp_path).system("plantbok")


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in MANIFEST.items() if name != key}


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        (without("label"), r"manifest\.yaml:1: label: Field required"),
        ({**MANIFEST, "labell": 1}, r"labell: there is no such key; allowed are manifest, id, label"),
        ({**MANIFEST, "protocol": "soap"}, r"protocol: .*'jsonrpc', 'rest', 'odata' or 'sql'"),
        ({**MANIFEST, "id": "other"}, r"id: is 'other', the folder is 'plantbook'"),
        ({**MANIFEST, "auth": {"strategy": "bearer", "x": 1}}, r"auth\.x: .*allowed are strategy, options"),
        (
            {**MANIFEST, "objects": {"a": {"label": "A", "cursor": {"feld": "x"}}}},
            r"objects\.a\.cursor\.feld: .*allowed are field, fallback, overlap_s, format",
        ),
        (
            {**MANIFEST, "settings": [{"key": "a", "title": "A", "typ": "url"}]},
            r"settings\.0\.typ: .*allowed are key, title, type",
        ),
        ({**MANIFEST, "settings": [{"key": "token", "title": "T"}]}, "share the keys token"),
        ({**MANIFEST, "settings": [{"key": "a", "title": "T", "type": "choice"}]}, "choices are given with"),
        (
            {
                **MANIFEST,
                "credentials": [{"key": "until", "title": "U", "secret": False, "expiry": True}],
            },
            r"credentials\.0: .*leave out secret: false",
        ),
        (
            {**MANIFEST, "errors": [{"when": {"status": 400}, "outcome": "bad"}]},
            r"errors\.0\.outcome: .*'credentials_rejected'",
        ),
        (
            {**MANIFEST, "errors": [{"when": {"path": "a..b"}, "outcome": "ok"}]},
            r"errors\.0\.when\.path: .*position 2",
        ),
    ],
)
def test_a_bad_manifest_names_file_key_and_what_is_allowed(
    tmp_path: Path, manifest: dict[str, Any], message: str
) -> None:
    write(tmp_path, manifest)
    with pytest.raises(IntegrationError, match=message):
        Catalog.load(tmp_path)


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"asset": {"object": "machine"}}, r"mapping\.yaml:2: asset\.object: .*there are machines, orders"),
        ({"asset": {"fields": {}}}, r"asset\.object: Field required"),
        (
            {"asset": {"object": "machines", "fields": {"nmae": "x"}}},
            r"asset\.fields\.nmae: .*did you mean name",
        ),
        (
            {"asset": {"object": "machines", "fields": {"name": {"pth": "x"}}}},
            r"pth: .*allowed are path, const",
        ),
        ({"aset": {"object": "machines"}}, r"aset\.entity: there is no entity 'aset'; did you mean asset"),
    ],
)
def test_a_bad_mapping_names_file_key_and_what_is_allowed(
    tmp_path: Path, mapping: dict[str, Any], message: str
) -> None:
    write(tmp_path, mapping=mapping)
    with pytest.raises(IntegrationError, match=message):
        Catalog.load(tmp_path)


def test_a_key_given_twice_is_refused(tmp_path: Path) -> None:
    place = write(tmp_path)
    (place / "mapping.yaml").write_text("asset: {object: machines}\nasset: {object: orders}\n")
    with pytest.raises(IntegrationError, match=r"mapping.yaml:2: the key 'asset' is given twice"):
        Catalog.load(tmp_path)


def test_what_is_no_yaml_is_refused_with_the_line(tmp_path: Path) -> None:
    place = write(tmp_path)
    (place / "manifest.yaml").write_text("manifest: 1\nid: [")
    with pytest.raises(IntegrationError, match=r"manifest\.yaml:2: "):
        Catalog.load(tmp_path)


def test_missing_files_and_folders_are_named(tmp_path: Path) -> None:
    (write(tmp_path) / "mapping.yaml").unlink()
    with pytest.raises(IntegrationError, match=r"mapping\.yaml: No such file"):
        Catalog.load(tmp_path)
    with pytest.raises(IntegrationError, match="there is no such folder"):
        Catalog.load(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("paging", "message"),
    [
        ({"type": "page"}, "type page needs parameter"),
        ({"type": "next_url"}, "type next_url needs next_path"),
        ({"type": "cursor", "parameter": "at", "first": 0}, "first is for type page, not for cursor"),
        (
            {"type": "header_link", "total_path": "n"},
            "total_path is for type offset or page, not for header_link",
        ),
        ({"type": "scroll"}, "'header_link'"),
    ],
)
def test_pages_that_cannot_be_gone_through(tmp_path: Path, paging: dict[str, Any], message: str) -> None:
    write(
        tmp_path, {**MANIFEST, "objects": {**MANIFEST["objects"], "orders": {"label": "O", "paging": paging}}}
    )
    with pytest.raises(IntegrationError, match=r"objects\.orders\.paging") as error:
        Catalog.load(tmp_path)
    assert message in str(error.value)


def test_how_pages_go_on_is_never_left_open(tmp_path: Path) -> None:
    write(tmp_path, {**MANIFEST, "objects": {**MANIFEST["objects"], "orders": {"label": "Orders"}}})
    with pytest.raises(IntegrationError, match=r"objects\.orders: paging is missing.*type none"):
        Catalog.load(tmp_path)


@pytest.mark.parametrize(
    "paging",
    [
        {"type": "none"},
        {"type": "offset", "parameter": "skip", "total_path": "total"},
        {"type": "page", "parameter": "page", "first": 0, "more_path": "more"},
        {"type": "cursor", "parameter": "at", "next_path": "next"},
        {"type": "next_url", "next_path": "links.next"},
        {"type": "header_link", "size_parameter": "per_page"},
    ],
)
def test_each_way_to_page_is_one_of_rest_alone(tmp_path: Path, paging: dict[str, Any]) -> None:
    objects = {**MANIFEST["objects"], "orders": {"label": "O", "paging": paging}}
    folder = write(tmp_path, {**MANIFEST, "objects": objects})
    assert System.load(folder).object("orders").paging is not None
    (folder / "manifest.yaml").write_text(
        yaml.safe_dump({**MANIFEST, "objects": objects, "protocol": "odata"})
    )
    with pytest.raises(
        IntegrationError, match=r"orders.paging: odata knows how its pages go on; leave it out"
    ):
        System.load(folder)
