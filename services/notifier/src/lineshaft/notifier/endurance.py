"""Warns of endpoints that take nothing, and disables them in the end."""

from datetime import datetime
from typing import Any

from lineshaft.common.clock import Clock, now
from lineshaft.common.events.envelope import Event, new_event
from lineshaft.common.events.webhooks import EndpointDisabled, EndpointEvent, EndpointFailing
from lineshaft.common.ids import derived_id
from lineshaft.common.logs import logger
from lineshaft.common.postgres import outbox
from lineshaft.common.postgres.pool import Connection
from lineshaft.notifier import alerts
from lineshaft.notifier.adapters import postgres
from lineshaft.notifier.domain.endurance import Failing, Patience, judge

SOURCE = "notifier"
REASON = "nothing was taken for {days:g} days"

log = logger(__name__)


class Endurance:
    """Any number of replicas may look; the state is in the endpoint's row."""

    def __init__(self, patience: Patience, clock: Clock = now) -> None:
        self._patience = patience
        self._clock = clock

    async def look(self, tx: Connection) -> None:
        moment = self._clock()
        reason = REASON.format(days=self._patience.whole.total_seconds() / 86_400)
        failing = await postgres.failing_endpoints(tx, moment - self._patience.spread)
        judged = {name: judge(one, moment, self._patience) for name, one in failing.items()}
        events: list[Event[Any]] = []
        for name, judgement in judged.items():
            if judgement.warn is not None:
                await postgres.warn_endpoint(tx, name, judgement.warn)
                events.append(self._warning(name, failing[name], judgement.warn, moment))
        lost = [name for name, judgement in judged.items() if judgement.disable]
        for name, since in (await postgres.disable_endpoints(tx, lost, moment, reason)).items():
            log.warning("endpoint_disabled", endpoint_id=name)
            events.append(disabled_event(name, since, moment, reason))
        await outbox.add_events(tx, events)
        await alerts.tell_of_endpoints(tx, events, self._clock)

    def _warning(self, endpoint_id: str, failing: Failing, percent: int, moment: datetime) -> Event[Any]:
        log.warning("endpoint_failing", endpoint_id=endpoint_id, percent=percent)
        data = EndpointFailing(
            endpoint_id=endpoint_id,
            at=moment,
            failing_since=failing.since,
            reason=f"nothing was taken for {percent} % of the time after which it is disabled",
            percent=percent,
            disabled_at=failing.since + self._patience.whole,
        )
        return _event(data, failing.since, percent)


def disabled_event(
    endpoint_id: str, failing_since: datetime | None, moment: datetime, reason: str
) -> Event[Any]:
    data = EndpointDisabled(endpoint_id=endpoint_id, at=moment, failing_since=failing_since, reason=reason)
    return _event(data, failing_since, moment.isoformat())


def _event(data: EndpointEvent, since: datetime | None, mark: object) -> Event[Any]:
    event_id = derived_id("evt", data.endpoint_id, data.event_type, since.isoformat() if since else "", mark)
    return new_event(data, source=SOURCE, key=data.endpoint_id, event_id=event_id)
