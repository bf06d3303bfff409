"""`records.raw`: pages, ends of reads, chunks of stored records, schema changes, in their order."""

from collections.abc import Iterator, Sequence
from typing import Any

from lineshaft.common.errors import RetryableError
from lineshaft.common.events.drift import SchemaChanged
from lineshaft.common.events.envelope import Event
from lineshaft.common.events.records import ReadCompleted, RemapRequested, RetirementRequested
from lineshaft.common.postgres.pool import RETRYABLE
from lineshaft.mapping.completion import Completer
from lineshaft.mapping.deleting import Deleter
from lineshaft.mapping.domain.batch import split_into_batches
from lineshaft.mapping.domain.messages import Page, RawMessage
from lineshaft.mapping.drifting import Drifts
from lineshaft.mapping.recording import Recorder
from lineshaft.mapping.remapping import Remapper
from lineshaft.mapping.retiring import Retirer


class RawHandler:
    def __init__(
        self,
        recorder: Recorder,
        *,
        deleter: Deleter,
        completer: Completer,
        remapper: Remapper,
        retirer: Retirer,
        drifts: Drifts,
        batch_records: int,
    ) -> None:
        self._recorder = recorder
        self._deleter = deleter
        self._completer = completer
        self._remapper = remapper
        self._retirer = retirer
        self._drifts = drifts
        self._batch_records = batch_records

    async def __call__(self, messages: Sequence[RawMessage]) -> None:
        """Returns when the effect of all messages is durable.

        Raises:
            RetryableError: Kafka or Postgres did not take it; the same messages may be handled again.
        """
        try:
            for pages, event in _runs(messages):
                for batch in split_into_batches(pages, self._batch_records):
                    await self._recorder.record(batch)
                if event is not None:
                    await self._on_event(event)
        except RETRYABLE as error:
            raise RetryableError(f"Postgres: {error!r}") from error

    async def _on_event(self, event: Event[Any]) -> None:
        match event.data:
            case ReadCompleted():
                await self._deleter.read_completed(event)
                await self._completer.read_completed(event)
            case SchemaChanged():
                await self._drifts.schema_changed(event)
            case RemapRequested():
                await self._remapper.chunk(event)
            case RetirementRequested():
                await self._retirer.chunk(event)


def _runs(messages: Sequence[RawMessage]) -> Iterator[tuple[list[Page], Event[Any] | None]]:
    """Runs of pages, each with the event that ends it."""
    pages: list[Page] = []
    for message in messages:
        if isinstance(message, Page):
            pages.append(message)
        else:
            yield pages, message
            pages = []
    yield pages, None
