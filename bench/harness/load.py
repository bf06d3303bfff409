"""Requests over HTTP, so many at once or at a steady pace, and how long each took to its last byte."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import aiohttp


@dataclass(frozen=True, slots=True)
class Load:
    wall_seconds: float
    seconds: Sequence[float]

    @property
    def per_second(self) -> float:
        return len(self.seconds) / self.wall_seconds

    @property
    def p50_ms(self) -> float:
        return median(self.seconds) * 1000

    @property
    def p99_ms(self) -> float:
        return percentile(self.seconds, 0.99) * 1000


def percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


class Client:
    def __init__(self, session: aiohttp.ClientSession, headers: Mapping[str, str]) -> None:
        self._session = session
        self._headers = dict(headers)

    async def get(self, url: str) -> float:
        """Raises for any answer but 200."""
        return await self._ask("GET", url)

    async def one_by_one(self, url: str, body: Mapping[str, Any], count: int) -> Load:
        """Posted by a client who waits for each answer."""
        started = time.perf_counter()
        seconds = [await self._ask("POST", url, body) for _ in range(count)]
        return Load(time.perf_counter() - started, seconds)

    async def _ask(self, method: str, url: str, body: Mapping[str, Any] | None = None) -> float:
        started = time.perf_counter()
        async with self._session.request(method, url, json=body, headers=self._headers) as answer:
            await answer.read()
            if answer.status != 200:  # noqa: PLR2004
                raise RuntimeError(f"{url}: {answer.status}")
        return time.perf_counter() - started

    async def all_at_once(self, url: str, count: int, workers: int) -> Load:
        """Each worker asks again as soon as it was answered."""
        left = iter(range(count))

        async def work() -> list[float]:
            return [await self.get(url) for _ in left]

        started = time.perf_counter()
        found = await asyncio.gather(*(work() for _ in range(workers)))
        return Load(time.perf_counter() - started, [one for some in found for one in some])

    async def paced(self, url: str, count: int, per_second: float) -> Load:
        """Asked at fixed times, whether or not what was asked before is answered yet."""
        started = time.perf_counter()

        async def ask(number: int) -> float:
            due = started + number / per_second
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            await self.get(url)
            return time.perf_counter() - due

        found = await asyncio.gather(*(ask(number) for number in range(count)))
        return Load(time.perf_counter() - started, found)
