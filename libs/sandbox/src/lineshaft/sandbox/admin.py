"""The admin's hands, on a port of their own, so that the interface can be out of reach meanwhile."""

import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any, Protocol

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from lineshaft.sandbox.certificates import Certificates
from lineshaft.sandbox.faults import Faults
from lineshaft.sandbox.oauth import Habits
from lineshaft.sandbox.sandbox import Sandbox

Handler = Callable[[Request], Awaitable[Response]]


class Door(Protocol):
    """The interface's port."""

    @property
    def is_open(self) -> bool: ...

    async def open(self) -> None: ...

    async def close(self) -> None: ...


class Admin:
    def __init__(
        self, sandbox: Sandbox, door: Door, token: str, certificates: Certificates | None = None
    ) -> None:
        self._certificates = certificates
        self._sandbox = sandbox
        self._door = door
        self._token = token

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/admin", self._guarded(self._state)),
                Route("/admin/faults", self._guarded(self._set_faults), methods=["PUT", "DELETE"]),
                Route("/admin/credentials", self._guarded(self._set_credentials), methods=["PUT"]),
                Route("/admin/oauth", self._guarded(self._set_oauth), methods=["PUT"]),
                Route("/admin/oauth/tokens", self._guarded(self._revoke), methods=["DELETE"]),
                Route("/admin/authority", self._guarded(self._authority)),
                Route("/admin/door", self._guarded(self._set_door), methods=["PUT"]),
                Route("/admin/requests", self._guarded(self._requests), methods=["GET", "DELETE"]),
                Route("/admin/records/{object}", self._guarded(self._records), methods=["PATCH", "DELETE"]),
                Route("/admin/reset", self._guarded(self._reset), methods=["POST"]),
            ]
        )

    def _guarded(self, handler: Handler) -> Handler:
        async def guarded(request: Request) -> Response:
            given = request.headers.get("authorization", "").removeprefix("Bearer ")
            if not secrets.compare_digest(given.encode(), self._token.encode()):
                return _refused(401, "the admin's token is needed")
            name = request.path_params.get("object")
            if name is not None and name not in self._sandbox.store.objects:
                return _refused(404, f"there is no object {name}")
            try:
                return await handler(request)
            except ValidationError as error:
                return _refused(422, json.loads(error.json(include_url=False)))
            except (ValueError, TypeError, KeyError) as error:
                return _refused(422, str(error))

        return guarded

    async def _state(self, _request: Request) -> Response:
        store, provider = self._sandbox.store, self._sandbox.provider
        return JSONResponse(
            {
                "faults": self._sandbox.faults.model_dump(),
                "open": self._door.is_open,
                "records": {name: store.count(name) for name in store.objects},
                "requests": self._sandbox.seen,
                "by_status": dict(self._sandbox.by_status),
                "by_object": dict(self._sandbox.by_object),
                "oauth": {
                    "habits": provider.habits.model_dump(),
                    "issued": provider.issued,
                    "refreshed_at": provider.refreshed_at,
                    "reused": provider.reused,
                },
            }
        )

    async def _set_faults(self, request: Request) -> Response:
        """The given faults on top of those that there are; none of them at all after DELETE."""
        given = {} if request.method == "DELETE" else await request.json()
        before = {} if request.method == "DELETE" else self._sandbox.faults.model_dump()
        await self._become(Faults.model_validate(before | given))
        return JSONResponse(self._sandbox.faults.model_dump())

    async def _become(self, faults: Faults) -> None:
        """Another certificate closes what is connected by the one before."""
        another = faults.certificate != self._sandbox.faults.certificate
        self._sandbox.faults = faults
        if another and self._door.is_open:
            await self._door.close()
            await self._door.open()

    async def _authority(self, _request: Request) -> Response:
        """What a connection has to trust for what is shown now."""
        if self._certificates is None:
            return _refused(404, "there is no TLS port: start the sandbox with --tls-port")
        pem = self._certificates.to_trust(self._sandbox.faults.certificate)
        return PlainTextResponse(pem, media_type="application/x-pem-file")

    async def _set_credentials(self, request: Request) -> Response:
        given: dict[str, Any] = await request.json()
        for name in given:
            if name not in {"username", "password", "token", "account"}:
                raise ValueError(f"there is no {name}")
        for name, value in given.items():
            setattr(self._sandbox, name, str(value))
        return Response(status_code=204)

    async def _set_oauth(self, request: Request) -> Response:
        """The given habits on top of those that there are."""
        provider = self._sandbox.provider
        provider.habits = Habits.model_validate(provider.habits.model_dump() | await request.json())
        return JSONResponse(provider.habits.model_dump())

    async def _revoke(self, _request: Request) -> Response:
        self._sandbox.provider.revoke()
        return Response(status_code=204)

    async def _set_door(self, request: Request) -> Response:
        if (await request.json())["open"]:
            await self._door.open()
        else:
            await self._door.close()
        return Response(status_code=204)

    async def _requests(self, request: Request) -> Response:
        if request.method == "DELETE":
            self._sandbox.forget_requests()
            return Response(status_code=204)
        return JSONResponse({"data": [asdict(one) for one in self._sandbox.requests]})

    async def _records(self, request: Request) -> Response:
        """`{"ids": [...], "values": {...}}` changes, `{"ids": [...]}` or `{"share": 0.9}` deletes."""
        name, given, store = request.path_params["object"], await request.json(), self._sandbox.store
        if request.method == "DELETE":
            if "share" in given:
                return JSONResponse({"deleted": store.delete_share(name, float(given["share"]))})
            return JSONResponse({"deleted": store.delete(name, given["ids"])})
        changed = [store.change(name, key, given.get("values", {})) for key in given["ids"]]
        return JSONResponse({"changed": sum(one is not None for one in changed)})

    async def _reset(self, _request: Request) -> Response:
        await self._become(Faults())
        self._sandbox.reset()
        await self._door.open()
        return Response(status_code=204)


def _refused(status: int, message: Any) -> Response:
    return JSONResponse({"error": message}, status)
