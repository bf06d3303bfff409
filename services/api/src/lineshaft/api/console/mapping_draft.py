"""A mapping as the editor's form has it: every field with its controls, and the changes they come to."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.datastructures import FormData

from lineshaft.api.domain.source_types import custom_type
from lineshaft.common import exact_json
from lineshaft.common.mapping.definition import OTHER_CODES
from lineshaft.common.unified import fields_of
from lineshaft.common.unified.kinds import FieldKind, Kind

NONE, PATH, CONST, EXPR, JSON = "none", "path", "const", "expr", "json"
SOURCES = {
    NONE: "Not mapped",
    PATH: "Source field",
    CONST: "Always the same",
    EXPR: "Expression",
    JSON: "As JSON",
}
TEXTS = ("label_path", "currency", "currency_path", "uom", "uom_path", "entity")
"""Options that are a plain text."""
WRITTEN = frozenset({Kind.STRING, Kind.TEXT, Kind.ENUMERATION, Kind.CODE})
"""Kinds whose constants are what was typed; others are read as JSON where they are."""
MAX_CUSTOM = 300

_NOT_IN_A_NAME = re.compile(r"[^a-z0-9]+")


class UnreadableError(ValueError):
    """What was typed as JSON is none."""


@dataclass(slots=True)
class FieldForm:
    """The controls of one field."""

    key: str
    """The beginning of its controls' names."""
    name: str
    source: str = NONE
    path: str = ""
    const: str = ""
    expr: str = ""
    json: str = ""
    transform: list[str] = field(default_factory=list)
    value_map: str = ""
    default: str = ""
    texts: dict[str, str] = field(default_factory=dict)
    type: str = ""
    """Of a custom field."""
    label: str = ""

    @classmethod
    def of(cls, key: str, name: str, spec: Mapping[str, Any] | None) -> "FieldForm":
        form = cls(key, name)
        if spec is None:
            return form
        form.type, form.label = spec.get("type") or "string", spec.get("label") or ""
        form.path, form.expr = spec.get("path") or "", spec.get("expr") or ""
        form.const = _shown(spec.get("const"))
        form.transform = list(spec.get("transform") or ())
        form.value_map, form.default = spec.get("value_map") or "", _shown(spec.get("default"))
        form.texts = {name: spec[name] for name in TEXTS if spec.get(name)}
        form.source = PATH if "path" in spec else EXPR if "expr" in spec else CONST
        form.json = orjson.dumps(spec, option=orjson.OPT_INDENT_2).decode()
        if "items" in spec:
            form.source = JSON
        return form

    @classmethod
    def typed(cls, key: str, name: str, form: FormData) -> "FieldForm":
        def text(control: str) -> str:
            return str(form.get(f"{key}.{control}", "")).strip()

        return cls(
            key,
            name,
            source=text("source") or NONE,
            path=text("path"),
            const=text("const"),
            expr=text("expr"),
            json=text("json"),
            transform=[one for one in map(str, form.getlist(f"{key}.transform")) if one],
            value_map=text("value_map"),
            default=text("default"),
            texts={one: given for one in TEXTS if (given := text(one))},
            type=text("type"),
            label=text("label"),
        )

    def spec(self, kind: FieldKind | None = None) -> dict[str, Any] | None:
        """As a definition has it; None where the field is not mapped.

        Raises:
            UnreadableError: JSON was to be typed and was not.
        """
        if self.source == NONE:
            return None
        if self.source == JSON:
            return self._from_json()
        spec: dict[str, Any] = {}
        if self.type:
            spec["type"] = self.type
            if self.label:
                spec["label"] = self.label
        spec[self.source] = _value(self.const, kind) if self.source == CONST else getattr(self, self.source)
        if self.transform and self.source != CONST:
            spec["transform"] = self.transform
        if self.value_map and self.source != CONST:
            spec["value_map"] = self.value_map
        if self.default:
            spec["default"] = _value(self.default, kind)
        return spec | self.texts

    def _from_json(self) -> dict[str, Any]:
        try:
            spec = orjson.loads(self.json)
        except orjson.JSONDecodeError as error:
            raise UnreadableError(f"is not JSON: {error}") from None
        if not isinstance(spec, dict):
            raise UnreadableError('is an object, such as {"path": "name"}')
        return spec


@dataclass(slots=True)
class Draft:
    """All that the form holds."""

    fields: dict[str, FieldForm]
    custom_fields: list[FieldForm]
    value_maps: dict[str, dict[str, str]]
    """Map to code to value; an empty value takes the code away."""

    @classmethod
    def of(cls, entity: str, effective: Mapping[str, Any]) -> "Draft":
        specs, customs = effective.get("fields", {}), effective.get("custom_fields", {})
        return cls(
            {name: FieldForm.of(f"f.{name}", name, specs.get(name)) for name in mappable(entity)},
            [FieldForm.of(f"c.{at}", name, spec) for at, (name, spec) in enumerate(customs.items())],
            {
                name: {code: _shown(value) for code, value in codes.items()}
                for name, codes in effective.get("value_maps", {}).items()
            },
        )

    @classmethod
    def typed(cls, entity: str, form: FormData) -> "Draft":
        draft = cls.of(entity, {})
        for name, one in draft.fields.items():
            if f"{one.key}.source" in form:
                draft.fields[name] = FieldForm.typed(one.key, name, form)
        for key in _numbered(form, "c.", ".name"):
            name = str(form.get(f"{key}.name", "")).strip()
            draft.custom_fields.append(FieldForm.typed(key, name, form))
        for key in _numbered(form, "m.", ".map"):
            codes, values = form.getlist(f"{key}.code"), form.getlist(f"{key}.value")
            pairs = zip(codes, values, strict=False)
            found = draft.value_maps.setdefault(str(form.get(f"{key}.map", "")), {})
            found |= {str(code).strip(): str(value).strip() for code, value in pairs if str(code).strip()}
        return draft

    def changes(
        self, entity: str, default: Mapping[str, Any], comment: str
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """The overlay over `default`, and what could not be read, by field."""
        errors: dict[str, str] = {}
        kinds = {name: one.kind for name, one in fields_of(entity).items()}
        fields: dict[str, Any] = {}
        below = default.get("fields", {})
        for name, one in self.fields.items():
            try:
                spec = one.spec(_inner(kinds[name]))
            except UnreadableError as error:
                errors[f"fields.{name}"] = str(error)
                continue
            if spec != below.get(name):
                fields[name] = spec
        overlay = {
            "fields": fields,
            "custom_fields": self._custom_changes(default.get("custom_fields", {}), errors),
            "value_maps": self._map_changes(default.get("value_maps", {}), kinds),
        }
        return {
            **{part: changes for part, changes in overlay.items() if changes},
            **({"comment": comment} if comment else {}),
        }, errors

    def _custom_changes(self, below: Mapping[str, Any], errors: dict[str, str]) -> dict[str, Any]:
        wanted: dict[str, Any] = {}
        for one in self.custom_fields:
            try:
                spec = one.spec(FieldKind(Kind(one.type)) if one.type in set(Kind) else None)
            except UnreadableError as error:
                errors[f"custom_fields.{one.name}"] = str(error)
                continue
            if spec is not None and one.name in wanted:
                errors[f"custom_fields.{one.name}"] = "there are two of this name; give one another name"
            elif spec is not None:
                wanted[one.name] = spec
        gone = {name: None for name in below if name not in wanted}
        return {name: spec for name, spec in wanted.items() if spec != below.get(name)} | gone

    def _map_changes(
        self, below: Mapping[str, Mapping[str, Any]], kinds: Mapping[str, FieldKind]
    ) -> dict[str, Any]:
        changes: dict[str, Any] = {}
        for name, codes in self.value_maps.items():
            used_by = [kinds[one.name] for one in self.fields.values() if one.value_map == name]
            if not used_by and not any(one.value_map == name for one in self.custom_fields):
                continue
            kind = _inner(used_by[0]) if used_by else None
            before = below.get(name, {})
            wanted = {code: _value(value, kind) for code, value in codes.items() if value}
            changed = {code: value for code, value in wanted.items() if before.get(code) != value}
            changed |= {code: None for code in before if code not in wanted}
            if changed or name not in below:
                changes[name] = changed
        return changes


def mappable(entity: str) -> list[str]:
    return [name for name, one in fields_of(entity).items() if one.mappable]


def suggested_custom(path: str, label: str, source_type: str, taken: Iterable[str], at: int) -> FieldForm:
    """A custom field made of a source field by one click."""
    base = _NOT_IN_A_NAME.sub("_", path.lower()).strip("_")[:50] or "field"
    base = base if base[0].isalpha() else f"f_{base}"
    name, number, known = base, 2, set(taken)
    while name in known:
        name, number = f"{base}_{number}", number + 1
    form = FieldForm(f"c.{at}", name, source=PATH, path=path, type=custom_type(source_type))
    form.label = label
    return form


def unmapped_codes(codes: Mapping[str, str], offered: Mapping[str, str]) -> dict[str, str]:
    """Codes that no line of the map is for, with what is said of each."""
    if OTHER_CODES in codes:
        return {}
    return {code: note for code, note in offered.items() if code not in codes}


def _numbered(form: FormData, prefix: str, suffix: str) -> list[str]:
    keys = (name[: -len(suffix)] for name in form if name.startswith(prefix) and name.endswith(suffix))
    return list(dict.fromkeys(key for key in keys if key.count(".") == 1))[:MAX_CUSTOM]


def _inner(kind: FieldKind) -> FieldKind:
    return kind.item if kind.kind is Kind.LIST and kind.item is not None else kind


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else exact_json.encode(value).decode()


def _value(text: str, kind: FieldKind | None) -> Any:
    if kind is not None and kind.kind in WRITTEN:
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
