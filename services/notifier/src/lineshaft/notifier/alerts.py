"""From events to alerts, in the transaction of the events; messages are made of them when it is time."""

from collections.abc import Sequence

from lineshaft.common.clock import Clock, now
from lineshaft.common.events.alerts import ALERT_TEST, ChannelDescribed
from lineshaft.common.events.commands import AlertTestRequested
from lineshaft.common.events.envelope import Event
from lineshaft.common.events.webhooks import EndpointEvent
from lineshaft.common.ids import derived_id
from lineshaft.common.postgres.pool import Connection
from lineshaft.notifier.adapters import alerts
from lineshaft.notifier.adapters.postgres import Told
from lineshaft.notifier.domain.alerting import Slot, slot
from lineshaft.notifier.domain.routing import webhook_type


async def tell(tx: Connection, told: Sequence[Told], clock: Clock = now) -> None:
    """Every channel that wants one of these events."""
    if not told:
        return
    moment = clock()
    await alerts.add_alerts(
        tx,
        [
            (channel.channel_id, event, slot(channel, event.event_type, event.event_id, moment))
            for channel in await alerts.list_channels(tx)
            for event in told
            if channel.wants(event.event_type, event.connection_ids, event.data)
        ],
    )


async def tell_of_endpoints(
    tx: Connection, events: Sequence[Event[EndpointEvent]], clock: Clock = now
) -> None:
    """Warnings of webhook endpoints go another way than to these endpoints."""
    await tell(
        tx,
        [
            Told(
                event.id,
                webhook_type(event.type),
                None,
                event.data.at,
                event.data.model_dump(mode="json", exclude={"at"}),
            )
            for event in events
        ],
        clock,
    )


async def save_channels(tx: Connection, events: Sequence[Event[ChannelDescribed]]) -> None:
    for event in events:
        await alerts.save_channel(tx, event.data)


async def try_channel(tx: Connection, command: AlertTestRequested, clock: Clock = now) -> str | None:
    """The id of the test, sent at once whatever the hour; None where there is no such channel."""
    if await alerts.find_channel(tx, command.channel_id) is None:
        return None
    event_id = derived_id("evt", command.command_id)
    told = Told(event_id, ALERT_TEST, None, clock(), {"message": "If you read this, alerts arrive here."})
    await alerts.add_alerts(tx, [(command.channel_id, told, Slot(event_id, clock()))])
    return event_id
