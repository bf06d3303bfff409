"""An Odoo 19 after its page on JSON-2: named arguments alone, a bearer key, and status codes that mean it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from .simulated import Request, Response, Simulated

KEY = "6578616d706c65"
LINE = {"id": "integer", "name": "char", "product_qty": "float", "write_date": "datetime"}
ORDER = {
    "id": "integer",
    "name": "char",
    "partner_id": "many2one",
    "partner_ref": "char",
    "write_date": "datetime",
}
MODELS = {"purchase.order": {**ORDER, "order_line": "one2many"}, "purchase.order.line": LINE}
ARGUMENTS = {
    "search_read": {"domain", "fields", "offset", "limit", "order"},
    "fields_get": {"allfields", "attributes"},
    "read": {"ids", "fields", "load"},
    "create": {"vals_list"},
    "write": {"ids", "vals"},
    "unlink": {"ids"},
    "context_get": set(),
    "has_access": {"operation"},
}
STATUS = {
    "werkzeug.exceptions.Unauthorized": 401,
    "odoo.exceptions.AccessError": 403,
    "werkzeug.exceptions.NotFound": 404,
    "odoo.exceptions.MissingError": 404,
    "werkzeug.exceptions.UnprocessableEntity": 422,
    "odoo.exceptions.ValidationError": 422,
    "builtins.ValueError": 500,
}


class _RefusalError(Exception):
    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


@dataclass
class OdooJson2Source(Simulated):
    records: dict[str, dict[int, dict[str, Any]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.system = "odoo_json2"
        self.credentials = {"api_key": KEY, "database": "plant"}
        self.records = {name: {} for name in MODELS}

    def put(self, model: str, number: int, **values: Any) -> None:
        base = {"write_date": "2026-11-20 08:00:00", "partner_id": False, "order_line": []}
        known = {name: base.get(name, False) for name in MODELS[model]}
        self.records[model][number] = {**known, **self.records[model].get(number, {}), "id": number, **values}

    def answer(self, request: Request) -> Response:
        try:
            return Response(200, self._done(request))
        except _RefusalError as error:
            facts = {"arguments": [str(error)], "context": {}, "debug": f"Traceback: {KEY}"}
            return Response(STATUS[error.name], {"name": error.name, "message": str(error), **facts})

    def _done(self, request: Request) -> Any:
        named = request.headers.get("x-odoo-database") == "plant"
        if not named or request.headers.get("authorization") != f"bearer {KEY}":
            raise _RefusalError("werkzeug.exceptions.Unauthorized", "Invalid apikey")
        if "refusal" in self.faults:
            raise _RefusalError(*self.faults["refusal"])
        _, _, version, model, method = request.path.split("/")
        if request.method != "POST" or version != "2" or model not in {*MODELS, "res.users"}:
            raise _RefusalError("werkzeug.exceptions.NotFound", f"the model '{model}' does not exist")
        given = {name: value for name, value in request.json.items() if name != "context"}
        if unknown := given.keys() - ARGUMENTS[method]:
            words = f"got an unexpected keyword argument '{min(unknown)}'"
            raise _RefusalError("werkzeug.exceptions.UnprocessableEntity", words)
        return getattr(self, f"_{method}")(model, **given)

    def _context_get(self, _model: str) -> Any:
        return {"lang": "en_US", "tz": "Europe/Brussels", "uid": 7}

    def _has_access(self, model: str, operation: str) -> Any:
        return (model, operation) not in self.faults.get("denied", ())

    def _fields_get(self, model: str, allfields: Any = None, attributes: Any = None) -> Any:
        known = {
            name: {"type": kind, "string": name.title(), "store": True, "required": name == "name"}
            | ({"relation": "purchase.order.line"} if kind == "one2many" else {})
            for name, kind in MODELS[model].items()
            if name not in self.faults.get("dropped", ())
        }
        return {
            name: {one: value for one, value in facts.items() if one in attributes}
            for name, facts in known.items()
            if not allfields or name in allfields
        }

    def _read(self, model: str, ids: list[int], fields: list[str]) -> Any:
        if model == "res.users":
            return [{"id": 7, "login": "bot"}]
        return [self._shown(model, self._found(model, one), fields) for one in ids]

    def _search_read(
        self, model: str, domain: list[Any], fields: list[str], limit: int = 1_000_000, order: str = "id asc"
    ) -> Any:
        assert order == "id asc"
        rows = [one for _, one in sorted(self.records[model].items()) if self._fits(one, list(domain))]
        return [self._shown(model, one, fields) for one in rows[: min(limit, self.faults.get("most", limit))]]

    def _create(self, model: str, vals_list: list[dict[str, Any]]) -> Any:
        made = []
        for values in vals_list:
            if not values.get("name", "New"):
                raise _RefusalError("odoo.exceptions.ValidationError", "The name is required")
            made.append(max(self.records[model], default=0) + 1)
            now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
            self.put(model, made[-1], **{"write_date": now, **values})
        return made

    def _write(self, model: str, ids: list[int], vals: dict[str, Any]) -> Any:
        for number in ids:
            self._found(model, number)
            self.put(model, number, **vals)
        return True

    def _unlink(self, model: str, ids: list[int]) -> Any:
        for number in ids:
            self._found(model, number)
            del self.records[model][number]
        return True

    def _found(self, model: str, number: int) -> dict[str, Any]:
        if number not in self.records[model]:
            raise _RefusalError("odoo.exceptions.MissingError", "Record does not exist or has been deleted.")
        return self.records[model][number]

    def _shown(self, model: str, record: dict[str, Any], fields: list[str]) -> dict[str, Any]:
        if unknown := [name for name in fields if name not in MODELS[model]]:
            raise _RefusalError("builtins.ValueError", f"Invalid field '{unknown[0]}' on '{model}'")
        return {name: record[name] for name in {"id": 0, **dict.fromkeys(fields)}}

    def _fits(self, record: dict[str, Any], domain: list[Any]) -> bool:
        """Conditions in Polish notation, as Odoo takes them."""
        found = True
        while domain:
            found = self._next(record, domain) and found
        return found

    def _next(self, record: dict[str, Any], domain: list[Any]) -> bool:
        term = domain.pop(0)
        if term == "|":
            left, right = self._next(record, domain), self._next(record, domain)
            return left or right
        name, operator, value = term
        head, _, rest = name.partition(".")
        values = [record[head]]
        if rest:
            values = [self.records["purchase.order.line"][one][rest] for one in record[head]]
        tests = {">": lambda one: one > value, ">=": lambda one: one >= value, "=": lambda one: one == value}
        return any(tests.get(operator, lambda one: one in value)(one) for one in values)
