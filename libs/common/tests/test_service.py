import asyncio
from typing import Any

import pytest

from lineshaft.common import service


async def test_pruning_outlives_a_database_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    stopping, turns = asyncio.Event(), []

    async def prune(_: Any) -> int:
        turns.append(len(turns))
        if len(turns) == 1:
            raise ConnectionResetError
        stopping.set()
        return 0

    monkeypatch.setattr(service, "PRUNE_SECONDS", 0.001)
    monkeypatch.setattr(service, "prune", prune)
    pool: Any = None
    async with asyncio.timeout(10):
        await service._prune(pool, stopping)
    assert turns == [0, 1]
