"""A raw ASGI application on uvicorn: the same queries, the key's hash among them, and nothing else."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import uvicorn
from harness.meter import spec

from lineshaft.api.adapters.entities import Query, page_statement
from lineshaft.api.adapters.postgres import SQL
from lineshaft.api.domain.keys import key_hash
from lineshaft.common.postgres.pool import Pool, create_pool

ENTITY = "work_order"
LIMIT = 100

Send = Callable[[dict[str, Any]], Awaitable[None]]


class Application:
    def __init__(self, pool: Pool, connection_id: str) -> None:
        self._pool = pool
        self._connection_id = connection_id
        query = Query(connection_id, ENTITY, LIMIT, None, None)
        self._page = page_statement(query, 1)

    async def __call__(self, scope: dict[str, Any], _: object, send: Send) -> None:
        path = scope["path"]
        body = b"{}" if path == "/readyz" else await self._answer(path, scope["headers"])
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, path: str, headers: list[tuple[bytes, bytes]]) -> bytes:
        secret = next(value for name, value in headers if name == b"authorization")[7:].decode()
        row = await self._pool.fetchrow(SQL["access"], key_hash(secret), self._connection_id, ENTITY)
        if path.endswith("/status"):
            return orjson.dumps(row["document"])
        if path.endswith("/work-orders"):
            rows = await self._pool.fetch(self._page, self._connection_id, ENTITY, "", 1, LIMIT + 1)
            return b'{"data":[' + b",".join(row["document"].encode() for row in rows[:LIMIT]) + b"]}"
        record_id = path.rpartition("/")[2]
        raw_deleted_and_object = (False, False, None)
        row = await self._pool.fetchrow(
            SQL["entity"], self._connection_id, ENTITY, record_id, 1, *raw_deleted_and_object
        )
        return bytes(row["document"].encode())


async def main() -> None:
    asked = spec()
    pool = await create_pool(asked["dsn"], size=10, service="api")
    config = uvicorn.Config(
        Application(pool, asked["connection_id"]),
        host="127.0.0.1",
        port=asked["port"],
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
    )
    await uvicorn.Server(config).serve()


if __name__ == "__main__":
    asyncio.run(main())
