"""So many requests of one key in a minute: a client that runs wild does not slow down the others.

Counted in this process, before anything is looked up: several replicas allow several times as much.
"""

import time

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lineshaft.api.domain.keys import key_hash, kind_of
from lineshaft.api.domain.problems import ProblemCode, problem
from lineshaft.api.routes.answers import problem_response

_SCHEME = "bearer "


class RateLimitMiddleware:
    def __init__(self, app: ASGIApp, per_minute: int) -> None:
        self._app = app
        self._limit = RateLimitItemPerMinute(per_minute)
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        secret = _secret_of(scope)
        if secret is None:
            await self._app(scope, receive, send)
            return
        key = key_hash(secret).hex()
        allowed = await self._limiter.hit(self._limit, key)
        window = await self._limiter.get_window_stats(self._limit, key)
        seconds = max(1, round(window.reset_time - time.time() + 0.5))
        told = [
            (b"ratelimit-limit", b"%d" % self._limit.amount),
            (b"ratelimit-remaining", b"%d" % window.remaining),
            (b"ratelimit-reset", b"%d" % seconds),
        ]

        async def send_told(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *told]
            await send(message)

        if allowed:
            await self._app(scope, receive, send_told)
            return
        found = problem(
            ProblemCode.RATE_LIMITED,
            f"This key made more than {self._limit.amount} requests in a minute; go on in {seconds} s.",
            headers={"Retry-After": str(seconds)},
        )
        await problem_response(found.problem, Request(scope))(scope, receive, send_told)


def _secret_of(scope: Scope) -> str | None:
    """A key of ours that asks for the API; what is none is refused without a look-up anyway."""
    if scope["type"] != "http" or not scope["path"].startswith("/v1/"):
        return None
    header = next((value for name, value in scope["headers"] if name == b"authorization"), b"").decode(
        "latin-1"
    )
    secret = header[len(_SCHEME) :].strip()
    return secret if header.lower().startswith(_SCHEME) and kind_of(secret) is not None else None
