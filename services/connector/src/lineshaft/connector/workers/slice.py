"""One slice of a sync: pages of one object, until the object, the time or the gate ends it.

1. A page is read, cut and published; the broker has acknowledged it before anything else happens.
2. The cursor is saved, fenced by the lease. The same statement says whether the next call may be made, and
   which credentials are in force.
3. The end of the slice is told in one transaction (see `endings`).
"""

import asyncio
import time
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

from lineshaft.common.encryption import UnreadableSecretError
from lineshaft.common.errors import RetryableError
from lineshaft.common.events.drift import DriftPolicy
from lineshaft.common.kafka.record import Message
from lineshaft.common.logs import logger
from lineshaft.common.metrics import METRICS
from lineshaft.common.outcomes import Operation, Outcome
from lineshaft.common.postgres.pool import RETRYABLE
from lineshaft.connector.adapters import connections, syncs
from lineshaft.connector.adapters.commands import NAME
from lineshaft.connector.adapters.oversized import set_aside
from lineshaft.connector.domain.aftermath import MOST_ATTEMPTS, pause
from lineshaft.connector.domain.evidence import Evidence, SourceFailureError, about
from lineshaft.connector.domain.fields import Selection, loss, lost_fields, remembered, select
from lineshaft.connector.domain.gate import CredentialsReplacedError, GateClosedError, decide
from lineshaft.connector.domain.jobs import Lease
from lineshaft.connector.domain.problems import UNREADABLE
from lineshaft.connector.domain.protocol import Cursor, Page
from lineshaft.connector.domain.schema_changes import held
from lineshaft.connector.domain.slices import sliced
from lineshaft.connector.workers import endings
from lineshaft.connector.workers.endings import Tally
from lineshaft.connector.workers.selecting import known_object, look, needed_fields
from lineshaft.connector.workers.tools import CHANCE, OpenSource, Tools

PUBLISH_ATTEMPTS = 5
POSTPONED = timedelta(seconds=10)
GIVEN_UP = "Lineshaft could not read this object; its log says why"

T = TypeVar("T")

log = logger(__name__)


class HaltedError(Exception):
    """The process stops, or somebody else holds the lease."""


class Slice:
    def __init__(self, tools: Tools, lease: Lease) -> None:
        self._tools = tools
        self._lease = lease
        self._tally = Tally(lease.job.read_sequence)
        self._source: OpenSource | None = None
        self._selected = False
        self._origin = lease.origin
        self._halt = asyncio.Event()
        self._lost = False
        self._log = log.bind(
            connection_id=lease.job.connection_id, object=lease.job.object, sync_id=lease.job.sync_id
        )

    def halt(self) -> None:
        """End at once: a call in flight is given up, what was published is kept."""
        self._halt.set()

    def lose(self) -> None:
        """Somebody else holds the lease."""
        self._lost = True
        self._halt.set()

    async def run(self) -> None:
        tools, lease = self._tools, self._lease
        try:
            await self._read()
        except SourceFailureError as failure:
            await self._failed(failure.evidence)
        except (HaltedError, GateClosedError, CredentialsReplacedError) as error:
            self._log.info("slice_ends_early", reason=repr(error))
            if not self._lost:
                await endings.paused(tools, lease, self._source, self._tally)
        except (*RETRYABLE, RetryableError) as error:
            self._log.warning("slice_postponed", error=repr(error))
            until = tools.clock() + POSTPONED
            await endings.postponed(tools, lease, self._source, self._tally, until)
        except UnreadableSecretError as error:
            self._log.error("credentials_unreadable", reason=str(error))
            await endings.given_up(tools, lease, UNREADABLE)
        except Exception:  # noqa: BLE001  a fault of ours must not lose the job
            self._log.exception("slice_broken")
            await self._broken()
        except asyncio.CancelledError:
            await asyncio.shield(endings.paused(tools, lease, self._source, self._tally))
            raise
        finally:
            if self._source is not None:
                await self._source.adapter.aclose()

    async def _read(self) -> None:
        job = self._lease.job
        source = self._source = await self._tools.open_in_force(job.connection_id)
        if source is None:
            raise CredentialsReplacedError
        started = time.monotonic()
        selection = await self._selection(source)
        cursor: Cursor | None = job.start
        while True:
            page = await self._page(source, selection, cursor)
            await self._publish_page(page)
            if page.last:
                await self._finish(source, page, selection)
                return
            cursor = page.cursor
            await self._save(source, page)
            if time.monotonic() - started > self._tools.slice_seconds:
                await endings.paused(self._tools, self._lease, source, self._tally)
                return

    async def _selection(self, source: OpenSource) -> Selection:
        name = self._lease.job.object
        versions = await connections.custom_versions(self._tools.pool, self._lease.job.connection_id, name)
        self._origin = replace(self._origin, definitions=versions)
        needed = await needed_fields(self._tools, source, name)
        known = await self._unless_halted(known_object(self._tools, source, name))
        selection = select(known.description, needed)
        if selection.missing:
            self._log.warning("mapped_fields_missing", fields=selection.missing)
        found = loss(known.description, selection, self._lease.job.read_fields)
        if found is not None and found.outcome is Outcome.CONFIGURATION_ERROR:
            await self._ask_by_name(source, lost_fields(selection, self._lease.job.read_fields))
            found = None if known.policy is DriftPolicy.IGNORE else found
        found = found or held(name, known.policy, known.changes, needed)
        if found is not None:
            raise SourceFailureError(found)
        self._selected = True
        return selection

    async def _ask_by_name(self, source: OpenSource, fields: Sequence[str]) -> None:
        """Some sources describe only what they show: they tell hidden from gone when it is asked for."""
        try:
            await self._unless_halted(source.adapter.read(self._lease.job.object, fields, None, limit=1))
        except SourceFailureError as failure:
            if failure.evidence.outcome not in {Outcome.CONFIGURATION_ERROR, Outcome.INVALID_REQUEST}:
                raise

    async def _page(self, source: OpenSource, selection: Selection, cursor: Cursor | None) -> Page:
        started = time.perf_counter()
        page = await self._unless_halted(
            source.adapter.read(self._lease.job.object, selection.fields, cursor)
        )
        seconds = time.perf_counter() - started
        METRICS.call_seconds.labels(source.caller.system, Operation.READ).observe(seconds)
        METRICS.records_read.labels(source.caller.system).inc(len(page.records))
        self._tally.add(len(page.records), seconds * 1000)
        return page

    async def _publish_page(self, page: Page) -> None:
        origin = self._origin
        slices = sliced(origin, page.records, self._tally.read_sequence, self._tools.clock(), NAME)
        for record in slices.oversized:
            self._log.error("record_too_large", bytes=len(record))
        await self._publish(
            [*slices.messages, *(set_aside(origin, record, NAME) for record in slices.oversized)]
        )
        self._tally.read_sequence = slices.read_sequence

    async def _publish(self, messages: Sequence[Message]) -> None:
        for attempt in range(PUBLISH_ATTEMPTS):
            try:
                await self._tools.producer.publish(messages)
            except RetryableError:
                if attempt + 1 == PUBLISH_ATTEMPTS or self._halt.is_set():
                    raise
                await asyncio.sleep(0.5 * 2**attempt)
            else:
                return

    async def _save(self, source: OpenSource, page: Page) -> None:
        standing = await syncs.save_page(
            self._tools.pool,
            self._lease,
            read_sequence=self._tally.read_sequence,
            position=page.cursor,
            records=len(page.records),
        )
        if standing is None:
            self._lost = True
            raise HaltedError("the lease is lost")
        if standing.credential_version != source.caller.credential_version:
            raise CredentialsReplacedError
        decision = decide(standing, self._lease.job.object, self._tools.clock())
        if decision.closed:
            raise GateClosedError(decision)

    async def _finish(self, source: OpenSource, page: Page, selection: Selection) -> None:
        tally = self._tally
        ours = await endings.finished(
            self._tools,
            self._lease,
            source,
            tally,
            cursor=page.cursor,
            records=len(page.records),
            selection=selection,
        )
        self._log.info("read_completed", ours=ours, records=tally.records, pages=tally.pages)

    async def _failed(self, evidence: Evidence) -> None:
        if self._source is None:
            raise SourceFailureError(evidence)
        job = self._lease.job
        found = about(remembered(evidence, job.read_fields), object_name=job.object, operation=Operation.READ)
        if self._selected and found.outcome is Outcome.CONFIGURATION_ERROR:
            await self._look_again(self._source)
        aftermath = await endings.failed(self._tools, self._lease, self._source, self._tally, found)
        self._log.warning(
            "call_failed",
            outcome=found.outcome,
            operation=found.operation,
            code=found.code,
            next=aftermath.step,
        )

    async def _look_again(self, source: OpenSource) -> None:
        """The object is not what it was described to be: what it is now is told at once."""
        try:
            await self._unless_halted(look(self._tools, source, self._lease.job.object))
        except (SourceFailureError, HaltedError) as error:
            self._log.info("not_described", reason=repr(error))

    async def _broken(self) -> None:
        """A fault of ours: tried again a bounded number of times, then told as the object's failure."""
        attempts = self._lease.job.attempts + 1
        if attempts >= MOST_ATTEMPTS:
            await endings.given_up(self._tools, self._lease, GIVEN_UP)
            return
        until = self._tools.clock() + pause(attempts, CHANCE)
        await endings.postponed(self._tools, self._lease, self._source, self._tally, until, attempts=attempts)

    async def _unless_halted(self, call: Coroutine[Any, Any, T]) -> T:
        task = asyncio.ensure_future(call)
        halted = asyncio.ensure_future(self._halt.wait())
        try:
            await asyncio.wait({task, halted}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise HaltedError("asked to stop")
            return task.result()
        finally:
            halted.cancel()
            if not task.done():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
