"""What is wrong with a request, field by field, in words that say how to mend it."""

from typing import Any

from pydantic import BaseModel
from starlette.requests import Request

from lineshaft.api.domain.problems import FieldProblem

_WORDS = {
    "missing": "is required",
    "dict_type": "has to be a JSON object",
    "model_attributes_type": "has to be a JSON object",
    "model_type": "has to be a JSON object",
    "list_type": "has to be a list",
    "string_type": "has to be a text",
}


def field_problem(request: Request, error: Any) -> FieldProblem:
    kind = error["type"]
    if kind == "json_invalid":
        # Its location ends with the character where the parser gave up.
        at, why = error["loc"][-1], error.get("ctx", {}).get("error", "it ends too early")
        return FieldProblem("body", f"is not JSON: {why}, at character {at}", kind)
    message = _WORDS.get(kind) or error["msg"].removeprefix("Value error, ")
    if kind == "extra_forbidden" and error["loc"][0] == "body":
        message = _known(request, error["loc"])
    return FieldProblem(_place(error["loc"]), message, kind)


def _known(request: Request, location: tuple[int | str, ...]) -> str:
    """Of the body itself all fields are named; further in, the page of the routes has them."""
    body = getattr(request.scope.get("route"), "body_field", None)
    model = body.field_info.annotation if body is not None else None
    if len(location) == len(("body", "field")) and isinstance(model, type) and issubclass(model, BaseModel):
        names = (one.alias or name for name, one in model.model_fields.items())
        return f"is not known here; there is {', '.join(names)}"
    return "is not known here; /docs has the fields"


def _place(location: tuple[int | str, ...]) -> str:
    kind, *rest = location or ("body",)
    return ".".join(map(str, rest)) if rest and kind in {"body", "query", "path", "header"} else str(kind)
