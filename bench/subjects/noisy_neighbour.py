"""How long deliveries to good endpoints take while one endpoint hangs, and while it does not, in turn.

From the moment of the event until the delivery is on record, at a pace that leaves the core time to spare.
"""

import asyncio
import time
from datetime import UTC, datetime

import httpx
from harness.load import percentile
from harness.meter import measured
from harness.webhooks import ENDPOINTS
from lineshaft_notifier import WARM_UP_EVENTS, Bench, main

WINDOW_SECONDS = 8.0
"""Less than the patience with one request: the hung ones are answered when the window ends."""
EVENTS_PER_SECOND = 50
LATENCIES = """
select endpoint.url, array_agg(extract(epoch from delivered_at - event.at)::float8 * 1000) as ms
from delivery join event using (event_id) join endpoint using (endpoint_id)
where event.at >= $1 and event.at < $2 and endpoint.url not like '%/0' group by 1
"""


class Neighbour(Bench):
    async def _measure(self) -> None:
        sent = WARM_UP_EVENTS
        seen: dict[bool, dict[str, list[float]]] = {False: {}, True: {}}
        for window in range(2 * int(self._asked["windows"])):
            hangs = window % 2 == 1
            await self._tell("/hold" if hangs else "/release")
            begun = datetime.now(UTC)
            sent += await self._paced()
            ended = datetime.now(UTC)
            await self._tell("/release")
            await self._recorded(sent * ENDPOINTS)
            for url, took in await self._service.pool.fetch(LATENCIES, begun, ended):
                seen[hangs].setdefault(url, []).extend(took)
        calm, hung = seen[False], seen[True]
        measured(
            (sent - WARM_UP_EVENTS) * ENDPOINTS,
            deliveries_per_second=EVENTS_PER_SECOND * ENDPOINTS,
            calm_p50_ms=percentile(_all(calm), 0.5),
            hung_p50_ms=percentile(_all(hung), 0.5),
            calm_p99_ms=percentile(_all(calm), 0.99),
            hung_p99_ms=percentile(_all(hung), 0.99),
            ratios=sorted(percentile(hung[url], 0.99) / percentile(calm[url], 0.99) for url in calm),
        )

    async def _paced(self) -> int:
        """Events one by one, however long each takes to be taken."""
        begun, count = time.perf_counter(), int(WINDOW_SECONDS * EVENTS_PER_SECOND)
        for number in range(count):
            await asyncio.sleep(max(0.0, begun + number / EVENTS_PER_SECOND - time.perf_counter()))
            await self._service.producer.publish(self._events(1))
        return count

    async def _tell(self, what: str) -> None:
        async with httpx.AsyncClient() as client:
            (await client.post(self._asked["receiver"] + what)).raise_for_status()


def _all(by_endpoint: dict[str, list[float]]) -> list[float]:
    return [one for some in by_endpoint.values() for one in some]


if __name__ == "__main__":
    asyncio.run(main(Neighbour))
