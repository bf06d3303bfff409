"""Bodies whose numbers keep all of their digits on the way to the source."""

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from lineshaft.common import exact_json


class _ExactRequest(Request):
    async def json(self) -> Any:
        body = await self.body()
        try:
            return exact_json.decode(body)
        except ValueError as error:
            raise json.JSONDecodeError(str(error), body.decode(errors="replace"), 0) from None


class ExactRoute(APIRoute):
    """A number of its body is as long as somebody wrote it; a text that is no Unicode is no JSON."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def exact(request: Request) -> Response:
            return await handle(_ExactRequest(request.scope, request.receive))

        return exact
