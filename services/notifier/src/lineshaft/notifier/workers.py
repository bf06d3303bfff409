"""The sender: leases due deliveries, posts them signed, and has every try recorded."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from opentelemetry.trace import SpanKind
from standardwebhooks import Webhook

from lineshaft.common.clock import Clock, now
from lineshaft.common.links import reauthorize_url
from lineshaft.common.logs import logger
from lineshaft.common.postgres.pool import RETRYABLE, Pool
from lineshaft.common.redaction import redacted
from lineshaft.common.tracing import current_traceparent, span
from lineshaft.notifier.adapters import postgres
from lineshaft.notifier.adapters.http import WebhookClient
from lineshaft.notifier.adapters.postgres import Lease, Made
from lineshaft.notifier.adapters.signing import Signers, signed_headers
from lineshaft.notifier.domain.body import REAUTHORIZATION_REQUIRED, body
from lineshaft.notifier.domain.decision import decide
from lineshaft.notifier.domain.lanes import Lanes
from lineshaft.notifier.domain.result import Answer
from lineshaft.notifier.domain.schedule import Chance
from lineshaft.notifier.recorder import Recorder
from lineshaft.notifier.settings import NotifierSettings

LEASED_AT_ONCE = 500
POLL_SECONDS = 1.0
SAFETY_SECONDS = 2.0
NO_SECRET = "no signing secret of this endpoint can be read; nothing is sent unsigned"  # noqa: S105  a message

log = logger(__name__)


@dataclass(frozen=True, slots=True)
class _Ready:
    """A lease, and what it is signed with."""

    lease: Lease
    signers: Sequence[Webhook]

    @property
    def endpoint_id(self) -> str:
        return self.lease.endpoint_id


class Sender:
    """Any number may run: a delivery is leased by one of them, and again when that one has died."""

    def __init__(
        self,
        pool: Pool,
        client: WebhookClient,
        signers: Signers,
        settings: NotifierSettings,
        *,
        clock: Clock = now,
        chance: Chance = random.random,
    ) -> None:
        self._pool = pool
        self._client = client
        self._signers = signers
        self._settings = settings
        self._clock = clock
        self._chance = chance
        self._lanes: Lanes[_Ready] = Lanes(settings.endpoint_concurrency)
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._recorder = Recorder(pool, clock, freed=self._wake.set)
        self._link_key = settings.link_signing_key.get_secret_value()

    async def run(self, stopping: asyncio.Event) -> None:
        """Until `stopping`; then give back what waits, finish what is on its way, and record it."""
        waking = asyncio.create_task(self._wake_at(stopping))
        recording = asyncio.create_task(self._recorder.run())
        try:
            await self._send_until(stopping, recording)
            self._recorder.close()
            await recording
        finally:
            rest = [waking, recording, *self._tasks]
            for task in rest:
                task.cancel()
            await asyncio.gather(*rest, return_exceptions=True)
            await self._client.close()

    async def _send_until(self, stopping: asyncio.Event, recording: asyncio.Task[None]) -> None:
        """Nothing is sent that could not be written down: the end of `recording` ends this too."""
        while not stopping.is_set():
            try:
                async with self._listening():
                    while not stopping.is_set():
                        if recording.done():
                            return
                        await self._turn()
            except RETRYABLE as error:
                log.warning("sender_retries", error=repr(error))
                await asyncio.sleep(POLL_SECONDS)
        with contextlib.suppress(*RETRYABLE):
            await postgres.release(self._pool, [ready.lease for ready in self._lanes.drain()])
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _turn(self) -> None:
        """Lease what the lanes have room for; sleep until something is due, free or new."""
        self._wake.clear()
        moment = self._clock()
        leased = await self._lease(moment)
        self._lanes.add(leased)
        self._start(None)
        if not leased:
            with contextlib.suppress(TimeoutError):
                pause = await self._pause(moment)
                await asyncio.wait_for(self._wake.wait(), pause)

    async def _lease(self, moment: datetime) -> list[_Ready]:
        leases = await postgres.lease(
            self._pool,
            self._lanes.taken(),
            per_endpoint=self._settings.endpoint_concurrency + self._settings.endpoint_prefetch,
            limit=LEASED_AT_ONCE,
            now=moment,
            until=moment + timedelta(seconds=self._settings.lease_seconds),
        )
        if not leases:
            return []
        signers = await self._signers.of({lease.endpoint_id for lease in leases}, moment)
        unsigned = [lease for lease in leases if not signers.get(lease.endpoint_id)]
        if unsigned:
            log.error("unsigned_deliveries", endpoints=sorted({lease.endpoint_id for lease in unsigned}))
            until = moment + timedelta(seconds=self._settings.unsigned_retry_seconds)
            await postgres.postpone(self._pool, unsigned, until, NO_SECRET)
        return [
            _Ready(lease, signers[lease.endpoint_id]) for lease in leases if signers.get(lease.endpoint_id)
        ]

    async def _pause(self, moment: datetime) -> float:
        """What is due already waits for room in its lane, whose end wakes us."""
        due = await postgres.next_due(self._pool, moment)
        if due is None:
            return POLL_SECONDS
        return min(POLL_SECONDS, max(0.01, (due - self._clock()).total_seconds()))

    def _start(self, endpoint_id: str | None) -> None:
        for ready in self._lanes.start(endpoint_id):
            task = asyncio.create_task(self._deliver(ready))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _deliver(self, ready: _Ready) -> None:
        lease = ready.lease
        try:
            if self._has_time(lease):
                self._recorder.add(self._made(lease, await self._post(ready)))
            else:
                log.warning("lease_too_short", delivery_id=lease.delivery_id)
        except Exception:
            log.exception("try_broke_off", delivery_id=lease.delivery_id)
        self._lanes.finish(lease.endpoint_id)
        self._start(lease.endpoint_id)
        if self._lanes.waiting(lease.endpoint_id) <= self._settings.endpoint_prefetch // 2:
            self._wake.set()

    def _has_time(self, lease: Lease) -> bool:
        """Else another sender may take it over while we are at it."""
        needed = timedelta(seconds=self._settings.request_seconds + SAFETY_SECONDS)
        return self._clock() + needed <= lease.until

    async def _post(self, ready: _Ready) -> Answer:
        lease, moment = ready.lease, self._clock()
        link = None
        if lease.event_type == REAUTHORIZATION_REQUIRED and lease.connection_id is not None:
            link = reauthorize_url(self._settings.public_url, self._link_key, lease.connection_id, now=moment)
        content = body(lease.event_type, lease.event_at, lease.data, link)
        headers = signed_headers(ready.signers, lease.webhook_id, moment, content)
        with span("webhook", lease.traceparent, SpanKind.CLIENT, delivery_id=lease.delivery_id) as traced:
            if (traceparent := current_traceparent()) is not None:
                headers["traceparent"] = traceparent
            answer = await self._client.post(lease.url, content, headers)
            traced.set_attribute("http.response.status_code", answer.status or 0)
        # the answer is kept, and may repeat the link, which opens the connection's page
        if not link or not answer.body:
            return answer
        return replace(answer, body=redacted(answer.body, [link.rpartition("/")[2]]))

    def _made(self, lease: Lease, answer: Answer) -> Made:
        decision = decide(
            answer,
            tries=lease.tries,
            deferrals=lease.deferrals,
            first_tried_at=lease.first_tried_at,
            now=self._clock(),
            chance=self._chance,
            scale=self._settings.retry_scale,
        )
        return Made(lease, answer, decision.state, decision.next_attempt_at, decision.deferred)

    @contextlib.asynccontextmanager
    async def _listening(self) -> AsyncIterator[None]:
        async with self._pool.acquire() as listener:
            channel = f"delivery_{await listener.fetchval('select current_schema()')}"

            def notified(*_: object) -> None:
                self._wake.set()

            await listener.add_listener(channel, notified)
            try:
                yield
            finally:
                await listener.remove_listener(channel, notified)

    async def _wake_at(self, stopping: asyncio.Event) -> None:
        await stopping.wait()
        self._wake.set()
