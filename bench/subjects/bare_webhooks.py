"""Signed posts without a queue, a database or a record of them: `aiohttp` or `httpx`."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import aiohttp
import httpx
from harness.meter import Meter, spec
from harness.webhooks import AT_ONCE, BODY, ENDPOINTS, signed

NO_CONTENT = 204


async def main() -> None:
    asked = spec()
    urls = [f"{asked['receiver']}/{number}" for number in range(ENDPOINTS)]
    numbers = iter(range(asked["records"]))
    if asked["client"] == "aiohttp":
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

            async def post(number: int) -> int:
                url = urls[number % ENDPOINTS]
                async with session.post(url, data=BODY, headers=signed(number)) as response:
                    await response.read()
                    return response.status

            await measure(post, numbers, asked["records"])
    else:
        limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
        async with httpx.AsyncClient(limits=limits) as client:

            async def post_httpx(number: int) -> int:
                url = urls[number % ENDPOINTS]
                return (await client.post(url, content=BODY, headers=signed(number))).status_code

            await measure(post_httpx, numbers, asked["records"])


async def measure(post: Callable[[int], Awaitable[int]], numbers: Iterator[int], count: int) -> None:
    async def work() -> None:
        for number in numbers:
            if await post(number) != NO_CONTENT:
                raise ValueError("the receiver did not take it")

    meter = Meter()
    meter.start()
    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    meter.stop(count)


if __name__ == "__main__":
    asyncio.run(main())
