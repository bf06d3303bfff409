"""One page of a list, read as its way to page needs it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo

from lineshaft.common.clock import Clock
from lineshaft.common.outcomes import Operation
from lineshaft.connector.adapters.http import Answer
from lineshaft.connector.adapters.protocols.http_evidence import UNREADABLE
from lineshaft.connector.adapters.protocols.paging import unfit
from lineshaft.connector.adapters.protocols.rest_answers import records_at
from lineshaft.connector.adapters.protocols.rest_calls import RestCalls
from lineshaft.connector.adapters.protocols.rest_pages import turned
from lineshaft.connector.adapters.protocols.rest_requests import Asked
from lineshaft.connector.adapters.protocols.window import Window
from lineshaft.connector.domain.evidence import SourceFailureError

_NOT_THERE = 404


@dataclass(frozen=True, slots=True)
class PageRead:
    answer: Answer
    window: Window
    records: Sequence[bytes]
    """Those that were not on the page before."""
    onward: Window | None
    """Where the next page is; None after the last."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Raises `SourceFailureError`, also for a page that cannot be used."""

    calls: RestCalls
    clock: Clock
    zone: tzinfo

    async def page(self, asked: Asked, window: Window, size: int) -> PageRead:
        if asked.paging.type != "page" or not window.tail:
            return await self._turned(asked, window, size)
        page: tuple[Sequence[bytes], Window | None] = ((), None)
        try:
            found = await self._turned(asked, window, size)
            page = found.records, found.onward
        except SourceFailureError as failure:
            # some have no page behind the last one
            if failure.evidence.http_status != _NOT_THERE:
                raise
        answer = await self._answer(asked, replace(window, position=window.before), size)
        try:
            again = records_at(answer.body, asked.listed.records_path)
            return PageRead(answer, window, *window.looked_back(again, page, asked.listed.key))
        except UNREADABLE as error:
            raise unfit(answer, asked.name, error) from error

    async def _turned(self, asked: Asked, window: Window, size: int) -> PageRead:
        answer = await self._answer(asked, window, size)
        window = window.begun(answer.sent_at(self.clock()))
        try:
            records = records_at(answer.body, asked.listed.records_path)
            return PageRead(answer, window, *turned(answer, asked, window, records, size))
        except UNREADABLE as error:
            raise unfit(answer, asked.name, error) from error

    async def _answer(self, asked: Asked, window: Window, size: int) -> Answer:
        address = asked.address(window, size, self.zone)
        return await self.calls.call(Operation.READ, "GET", address, asked.name)
