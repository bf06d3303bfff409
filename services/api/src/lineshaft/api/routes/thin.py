"""Hot reads: FastAPI describes them; they are found, and their parameters read, at a fraction of its cost."""

import inspect
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable
from typing import Annotated, Any, get_args, get_origin

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.datastructures import QueryParams
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import Receive, Scope, Send

from lineshaft.api.routes.authentication import KeyBearer

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class Parameters(BaseModel):
    """Of the query; one that is not known is refused by name."""

    model_config = ConfigDict(extra="forbid")


class ThinRoute(APIRoute):
    """Its endpoint takes `request`, `key`, `query` (Parameters) and the parts of the path as they are."""

    def get_route_handler(self) -> Handler:
        endpoint = self.endpoint
        model, lists = _query_of(endpoint)
        bearer = _bearer_of(endpoint)

        async def handle(request: Request) -> Response:
            key = bearer.presented(request)
            query = _parsed(model, lists, request.query_params)
            response: Response = await endpoint(request=request, key=key, query=query, **request.path_params)
            return response

        return handle


class ThinRoutes(BaseRoute):
    """Stands before all other routes: those that are asked for most need not wait until their turn comes."""

    def __init__(self, routes: Iterable[BaseRoute]) -> None:
        self._routes = defaultdict[tuple[int, str], list[tuple[ThinRoute, Handler]]](list)
        for route in routes:
            if isinstance(route, ThinRoute):
                self._routes[_place(route.path)].append((route, route.get_route_handler()))

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] == "http":
            for route, handler in self._routes.get(_place(scope["path"]), ()):
                match, found = route.matches(scope)
                if match is Match.FULL:
                    return match, {**found, "thin_handler": handler}
        return Match.NONE, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        handler: Handler = scope["thin_handler"]
        response = await handler(Request(scope, receive, send))
        await response(scope, receive, send)

    def url_path_for(self, name: str, /, **path_params: Any) -> Any:
        raise NoMatchFound(name, path_params)


def _place(path: str) -> tuple[int, str]:
    """How many parts a path has, and its second one, which no route leaves open."""
    return path.count("/"), path.split("/", 3)[2] if path.count("/") > 1 else ""


def _bearer_of(endpoint: Callable[..., Any]) -> KeyBearer:
    _, security = get_args(inspect.signature(endpoint).parameters["key"].annotation)
    bearer: KeyBearer = security.dependency
    return bearer


def _query_of(endpoint: Callable[..., Any]) -> tuple[type[Parameters], frozenset[str]]:
    model: type[Parameters] = get_args(inspect.signature(endpoint).parameters["query"].annotation)[0]
    lists = (name for name, field in model.model_fields.items() if _is_list(field.annotation))
    return model, frozenset(lists)


def _is_list(annotation: Any) -> bool:
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return get_origin(annotation) is list


def _parsed(model: type[Parameters], lists: frozenset[str], given: QueryParams) -> Parameters:
    """A list is given several times, or once with commas."""
    values: dict[str, Any] = dict(given)
    for name in lists.intersection(values):
        values[name] = [part for text in given.getlist(name) for part in text.split(",")]
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise RequestValidationError(
            [{**one, "loc": ("query", *one["loc"][:1]), **_hint(one, model)} for one in error.errors()]
        ) from None


def _hint(error: Any, model: type[Parameters]) -> dict[str, str]:
    if error["type"] != "extra_forbidden":
        return {}
    return {"msg": f"is not known here; there is {', '.join(model.model_fields)}"}
