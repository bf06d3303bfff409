"""`/healthz` (the loop turns), `/readyz` (it can do its work), `/metrics`: the same on every service."""

from collections.abc import Awaitable, Callable, Mapping

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lineshaft.common.metrics import METRICS

Check = Callable[[], Awaitable[str | None]]
"""What is wrong, or None."""


def operations_routes(checks: Mapping[str, Check]) -> list[Route]:
    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_: Request) -> Response:
        problems = {name: problem for name, check in checks.items() if (problem := await check())}
        return JSONResponse(
            {"status": "not ready" if problems else "ready", "problems": problems},
            status_code=503 if problems else 200,
        )

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(METRICS.registry), media_type=CONTENT_TYPE_LATEST)

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]


def operations_app(checks: Mapping[str, Check]) -> Starlette:
    return Starlette(routes=operations_routes(checks))
