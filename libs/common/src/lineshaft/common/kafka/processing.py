"""What becomes of the records of a batch.

Each is decoded by itself; what cannot be read goes to the dead letters. The handler gets the rest. A
retryable error is tried again in place, with growing pauses, until it works or the partition is taken away.
Any other error splits the batch to find the one bad record.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from lineshaft.common import tracing
from lineshaft.common.errors import DeadLetterError, RetryableError, StoppedError, UndecodableError
from lineshaft.common.kafka.handed_out import Batch
from lineshaft.common.kafka.producer import Producer
from lineshaft.common.kafka.quarantine import PausedError, Quarantine
from lineshaft.common.kafka.record import Record
from lineshaft.common.kafka.setting_aside import PAUSED, SettingAside
from lineshaft.common.logs import logger
from lineshaft.common.metrics import METRICS

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 10.0
UNEXPECTED_ATTEMPTS = 3
LARGEST_RECORD_BYTES = 4 * 1024 * 1024

log = logger(__name__)

E = TypeVar("E")
Decode = Callable[[Record], E | None]
Handle = Callable[[Sequence[E]], Awaitable[None]]


class Processing(Generic[E]):
    """`on_halt` is called once, when what fails is not the data of one connection."""

    def __init__(
        self,
        service: str,
        name: str,
        *,
        decode: Decode[E],
        handle: Handle[E],
        producer: Producer,
        quarantine: Quarantine | None,
        on_halt: Callable[[], None],
    ) -> None:
        self.halted = False
        self.last_life = time.monotonic()
        self.hurry = asyncio.Event()
        """While it is set, nothing is tried again."""
        self._service = service
        self._name = name
        self._decode = decode
        self._handle = handle
        self._on_halt = on_halt
        self._aside = SettingAside(service, name, producer, quarantine, self._pause)

    async def process(self, batch: Batch) -> None:
        started = time.perf_counter()
        decoded: list[tuple[int, E]] = []
        for index, record in enumerate(batch.records):
            if self._aside.holds(record):
                await self._set_aside(record, PAUSED, PausedError())
                batch.done.add(index)
                continue
            try:
                _check_size(record)
                event = self._decode(record)
            except UndecodableError as error:
                await self._set_aside(record, "decode", error)
            except Exception as error:  # noqa: BLE001  a decoder's own fault must not lose the record
                await self._set_aside(record, "decode", error)
            else:
                if event is not None:
                    decoded.append((index, event))
                    continue
            batch.done.add(index)
            if self.halted:
                break
        if decoded and not self.halted:
            await self._handle_or_split(batch, decoded)
        METRICS.consumed_records.labels(self._service, self._name).inc(len(batch.records))
        METRICS.batch_seconds.labels(self._service, self._name).observe(time.perf_counter() - started)

    async def _handle_or_split(self, batch: Batch, decoded: Sequence[tuple[int, E]]) -> None:
        attempt = 0
        while True:
            attempt += 1
            started = time.time_ns()
            try:
                await self._handle([event for _, event in decoded])
            except RetryableError as error:
                log.warning("retry_in_place", subscription=self._name, attempt=attempt, error=str(error))
                await self._pause(attempt)
            except Exception as error:
                if len(decoded) > 1:
                    await self._one_by_one(batch, decoded)
                    return
                if isinstance(error, DeadLetterError) or attempt >= UNEXPECTED_ATTEMPTS:
                    log.exception("handler_failed", subscription=self._name, attempt=attempt)
                    await self._set_aside(batch.records[decoded[0][0]], "handle", error, attempt)
                    break
                await self._pause(attempt)
            else:
                tracing.handled(self._name, [event for _, event in decoded], started)
                self._worked(batch, decoded)
                break
        self.last_life = time.monotonic()
        batch.done.update(index for index, _ in decoded)

    async def _one_by_one(self, batch: Batch, decoded: Sequence[tuple[int, E]]) -> None:
        """A connection that is paused meanwhile has the rest of its records set aside with it."""
        for index, event in decoded:
            if self.halted:
                return
            if self._aside.holds(batch.records[index]):
                await self._set_aside(batch.records[index], PAUSED, PausedError())
                batch.done.add(index)
            else:
                await self._handle_or_split(batch, [(index, event)])

    async def _set_aside(self, record: Record, stage: str, error: BaseException, attempt: int = 1) -> None:
        await self._aside.put(record, stage, error, attempt)
        self._judge()

    def _worked(self, batch: Batch, decoded: Sequence[tuple[int, E]]) -> None:
        if not self._aside.quiet:
            self._aside.worked(batch.records[index] for index, _ in decoded)
            self._judge()

    def _judge(self) -> None:
        if self._aside.at_fault and not self.halted:
            self.halted = True
            self._aside.tell_halt()
            self._on_halt()

    async def _pause(self, attempt: int) -> None:
        """Before the next try.

        Raises:
            StoppedError: the partition is asked back, or the process stops: somebody else goes on.
        """
        self.last_life = time.monotonic()
        METRICS.retries.labels(self._service, self._name).inc()
        longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(attempt, 10))
        try:
            await asyncio.wait_for(self.hurry.wait(), timeout=random.uniform(longest / 2, longest))  # noqa: S311
        except TimeoutError:
            return
        raise StoppedError


def _check_size(record: Record) -> None:
    size = len(record.value or b"") + len(record.key or b"")
    size += sum(len(name) + len(value or b"") for name, value in record.headers)
    if size > LARGEST_RECORD_BYTES:
        raise UndecodableError(f"the record has {size} bytes; {LARGEST_RECORD_BYTES} are taken")
