"""Alert channels on a real Postgres, a real mail server and a real HTTP receiver."""

import asyncio
import email
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.policy import default
from typing import Any

import orjson
import pytest
import pytest_asyncio
from aiohttp import web
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from lineshaft.common.clock import now
from lineshaft.common.encryption import KeyRing
from lineshaft.common.events.alerts import CONNECTION_WARNINGS, ChannelDescribed
from lineshaft.common.events.commands import AlertTestRequested
from lineshaft.common.events.connections import ConnectionDescribed, Lifecycle
from lineshaft.common.events.health import (
    ConnectionRecovered,
    CredentialsExpiring,
    PermissionsMissing,
    ReauthorizationRequired,
    Verdict,
)
from lineshaft.common.ids import new_id
from lineshaft.common.outcomes import Fault, Move, Scope
from lineshaft.common.postgres.inbox import transactional
from lineshaft.common.postgres.pool import Pool
from lineshaft.notifier.adapters.alerts import secret_binding
from lineshaft.notifier.adapters.apprise_process import AlertClient
from lineshaft.notifier.alerting import NO_ADDRESS, AlertSender
from lineshaft.notifier.domain.alert_text import Text
from lineshaft.notifier.domain.endurance import Patience
from lineshaft.notifier.endurance import Endurance
from lineshaft.tools.stack.ports import free_port

from .stage import KEYS, Stage, a_receiver, an_event

pytestmark = pytest.mark.integration

RECOVERED = "connection.recovered"
REQUIRED = "connection.reauthorization_required"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
NIGHT = {"begin": "22:00", "end": "06:00", "timezone": "UTC"}
LOOPBACK = ["127.0.0.0/8"]


class Mailbox:
    def __init__(self) -> None:
        self.mails: list[Message] = []

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's name
        content = envelope.content
        assert isinstance(content, bytes)
        self.mails.append(email.message_from_bytes(content, policy=default))
        return "250 taken"


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield box, controller.port
    controller.stop()


async def at_once() -> None:
    pass


@dataclass
class Chat:
    """A service that takes JSON."""

    port: int = 0
    status: int = 200
    got: list[dict[str, Any]] = field(default_factory=list)
    before: Callable[[], Awaitable[None]] = at_once

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = orjson.loads(await request.read())
        self.got.append(body)
        await self.before()
        return web.Response(status=self.status, headers={"Location": f"http://127.0.0.3:{self.port}/"})

    @property
    def address(self) -> str:
        return f"json://127.0.0.1:{self.port}/secret-path-token"


@pytest_asyncio.fixture
async def chat() -> AsyncIterator[Chat]:
    chat = Chat()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", chat.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "0.0.0.0", 0).start()
    chat.port = runner.addresses[0][1]
    yield chat
    await runner.cleanup()


class Alarms(Stage):
    """A stage whose clock is turned by hand."""

    moment: datetime = NOON

    def clock(self) -> datetime:
        return self.moment

    async def channel(self, address: str | None, **fields: Any) -> str:
        channel_id = fields.pop("channel_id", None) or new_id("alc")
        if address is not None:
            secret_id = new_id("als")
            sealed = KeyRing.parse(KEYS).seal(
                address.encode(), bound_to=secret_binding(channel_id, secret_id)
            )
            await self.pool.execute(
                "insert into alert_secret (secret_id, channel_id, sealed) values ($1, $2, $3)",
                secret_id,
                channel_id,
                sealed,
            )
        described = ChannelDescribed.model_validate(
            {"channel_id": channel_id, "event_types": [RECOVERED, REQUIRED], "revision": 1}
            | {"changed_at": now(), "group_seconds": 30}
            | fields
        )
        effect = transactional(self.pool, "alert-channels", self.handlers.on_channels)
        await effect([an_event(described, channel_id)])
        return channel_id

    async def turn(self, *, networks: list[str] | None = None, seconds: float = 30) -> None:
        """A replica that starts, looks once and ends."""
        client = AlertClient(LOOPBACK if networks is None else networks, seconds)
        sender = AlertSender(
            self.pool,
            client,
            KeyRing.parse(KEYS),
            "https://lineshaft.example.com/",
            clock=self.clock,
            chance=lambda: 1.0,
        )
        await sender.turn()
        await sender.finish()

    async def messages(self, channel_id: str) -> list[Any]:
        return await self.pool.fetch(
            "select * from alert_message_view where channel_id = $1 order by created_at", channel_id
        )

    async def told(self) -> list[tuple[str, dict[str, Any]]]:
        rows = await self.pool.fetch("select headers, value from outbox order by id")
        found = [(dict(row["headers"])["ce_type"], orjson.loads(row["value"])) for row in rows]
        return [(name.removeprefix("lineshaft."), value) for name, value in found if ".alert." in name]


@pytest_asyncio.fixture
async def stage(pool: Pool) -> AsyncIterator[Alarms]:
    async with a_receiver() as receiver:
        alarms = Alarms(pool, receiver)
        alarms.handlers._clock = alarms.clock
        yield alarms


async def test_a_mail_says_what_is_wrong_whose_move_it_is_and_where_to_look(
    stage: Alarms, mailbox: tuple[Mailbox, int]
) -> None:
    box, port = mailbox
    channel = await stage.channel(
        f"mailto://plant.example:{port}?smtp=127.0.0.1&from=alerts@plant.example&to=shift@plant.example"
    )
    verdict = Verdict(
        scope=Scope.ALL,
        fault=Fault.CREDENTIALS,
        summary="The password of lineshaft@plant7 is refused.",
        move=Move.CUSTOMER,
        action="Enter the new password on the connection's page.",
    )
    await stage.tell("con_1", ReauthorizationRequired, verdict=verdict)
    await stage.turn()
    assert box.mails == [], "it is sent before its group is complete"
    stage.moment += timedelta(seconds=30)
    await stage.turn()
    [mail] = box.mails
    assert mail["To"] == "shift@plant.example"
    assert mail["Subject"] == "A connection has to be authorized again"
    content = mail.get_body(("plain",)).get_content()  # type: ignore[attr-defined]
    assert "The password of lineshaft@plant7 is refused." in content
    assert "Whose move: the customer." in content
    assert "Enter the new password" in content
    assert "https://lineshaft.example.com/console/connections/con_1" in content
    [message] = await stage.messages(channel)
    assert (message["state"], message["alerts"], message["attempts"]) == ("delivered", 1, 1)
    assert [name for name, _ in await stage.told()] == ["alert.delivered"]


async def test_many_events_of_a_type_are_one_message_with_their_number(stage: Alarms, chat: Chat) -> None:
    channel = await stage.channel(chat.address)
    for number in range(25):
        event = await stage.tell(f"con_{number}")
    await stage.handle("connection-events", event)
    await stage.tell("con_1", ReauthorizationRequired)
    stage.moment += timedelta(seconds=30)
    await stage.turn()
    await stage.turn()
    await stage.turn()
    assert sorted(one["title"] for one in chat.got) == [
        "A connection has to be authorized again",
        "A connection works again (25 times)",
    ]
    [many] = [one for one in chat.got if "25" in one["title"]]
    assert "25 x A connection works again" in many["message"]
    assert "... and 5 more" in many["message"]
    assert sorted(row["alerts"] for row in await stage.messages(channel)) == [1, 25]


async def test_quiet_hours_hold_all_but_what_is_urgent_and_end_with_one_message(
    stage: Alarms, chat: Chat
) -> None:
    event_types = [RECOVERED, REQUIRED, "connection.status_changed"]
    await stage.channel(
        chat.address, quiet_hours=NIGHT, urgent_event_types=[REQUIRED], event_types=event_types
    )
    stage.moment = NOON.replace(hour=22)
    for number in range(3):
        await stage.tell(f"con_{number}", ConnectionRecovered)
    await stage.tell("con_9", ReauthorizationRequired)
    stage.moment += timedelta(hours=7, minutes=59)
    await stage.tell("con_4", ReauthorizationRequired)
    await stage.turn()
    assert [one["title"] for one in chat.got] == ["A connection has to be authorized again (2 times)"]
    stage.moment = NOON.replace(day=25, hour=6)
    await stage.turn()
    assert [one["title"] for one in chat.got[1:]] == ["A connection works again (3 times)"]


async def test_what_fails_is_tried_again_and_given_up_in_the_end_without_its_secret(
    stage: Alarms, chat: Chat
) -> None:
    channel = await stage.channel(chat.address, group_seconds=0)
    chat.status = 500
    await stage.tell("con_1")
    await stage.turn()
    [message] = await stage.messages(channel)
    assert (message["state"], message["attempts"]) == ("due", 1)
    assert "500" in message["last_error"]
    assert "secret-path-token" not in message["last_error"]
    assert message["next_attempt_at"] > stage.moment
    chat.status = 200
    stage.moment = message["next_attempt_at"]
    await stage.turn()
    [message] = await stage.messages(channel)
    assert (message["state"], message["attempts"], message["last_error"]) == ("delivered", 2, None)

    chat.status = 500
    await stage.tell("con_2")
    await stage.pool.execute("update alert set due_at = $1 where message_id is null", stage.moment)
    for _ in range(10):
        await stage.pool.execute("update alert_message set due_at = $1 where state = 'due'", stage.moment)
        await stage.turn()
        stage.moment += timedelta(hours=9)
    assert [row["state"] for row in await stage.messages(channel)] == ["delivered", "given_up"]
    assert [name for name, _ in await stage.told()] == ["alert.delivered", "alert.given_up"]


async def test_a_message_whose_sender_died_is_sent_by_another(stage: Alarms, chat: Chat) -> None:
    channel = await stage.channel(chat.address, group_seconds=0)
    await stage.tell("con_1")
    chat.status = 500
    await stage.turn()
    leased = "update alert_message set due_at = $1, lease_epoch = lease_epoch + 1"
    await stage.pool.execute(leased, stage.moment + timedelta(seconds=40))
    chat.status, chat.got = 200, []
    await stage.turn()
    assert chat.got == [], "it is sent while another has it"
    stage.moment += timedelta(seconds=41)
    await stage.turn()
    assert len(chat.got) == 1
    assert [row["state"] for row in await stage.messages(channel)] == ["delivered"]


@pytest.mark.parametrize(
    "address",
    [
        "json://127.0.0.1:{port}/",
        "mailto://plant.example:{port}?smtp=127.0.0.1&from=a@plant.example&to=a@plant.example",
    ],
)
async def test_a_private_address_is_not_dialled(stage: Alarms, chat: Chat, address: str) -> None:
    channel = await stage.channel(address.format(port=chat.port), group_seconds=0)
    await stage.tell("con_1")
    await stage.turn(networks=[])
    [message] = await stage.messages(channel)
    assert (message["state"], chat.got) == ("due", [])
    assert "private or reserved" in message["last_error"]


async def test_nor_where_a_redirect_leads(chat: Chat) -> None:
    chat.status = 307
    message = Text("title", "body", "info")
    assert await AlertClient(["127.0.0.1/32"], 30).send(chat.address, message) is not None
    assert len(chat.got) == 1
    chat.status = 200
    assert await AlertClient(["127.0.0.3/32"], 30).send(chat.address, message) is not None
    assert len(chat.got) == 1


async def test_a_service_that_does_not_answer_is_left_in_time(chat: Chat) -> None:
    answer = asyncio.Event()

    async def hold() -> None:
        await answer.wait()

    chat.before = hold
    started = AlertClient(LOOPBACK, 6).send(chat.address, Text("title", "body", "info"))
    assert await started == "not taken within 6 s"
    answer.set()
    assert len(chat.got) == 1


async def test_a_test_comes_at_once_whatever_the_hour(stage: Alarms, chat: Chat) -> None:
    stage.moment = NOON.replace(hour=23)
    channel = await stage.channel(chat.address, quiet_hours=NIGHT)
    command = AlertTestRequested(command_id=new_id("cmd"), channel_id=channel)
    await stage.handle("commands", an_event(command, channel))
    await stage.turn()
    assert [one["title"] for one in chat.got] == ["A test of this alert channel"]


async def test_warnings_of_webhook_endpoints_come_this_way(stage: Alarms, chat: Chat) -> None:
    await stage.channel(chat.address, event_types=["webhook_endpoint.failing", "webhook_endpoint.disabled"])
    endpoint = await stage.endpoint("/hooks")
    await stage.pool.execute(
        "update endpoint set failing_since = $1, last_failed_at = $2, failures = 9",
        NOON - timedelta(days=3),
        NOON,
    )
    for moment in (NOON, NOON + timedelta(days=2)):
        async with stage.pool.acquire() as tx, tx.transaction():
            await Endurance(Patience(), lambda moment=moment: moment).look(tx)
    stage.moment += timedelta(days=3)
    await stage.turn()
    await stage.turn()
    assert {one["title"] for one in chat.got} == {
        "A webhook endpoint takes nothing",
        "A webhook endpoint was disabled",
    }
    assert all(endpoint in one["message"] for one in chat.got)


async def test_a_deleted_channel_gets_nothing_and_leaves_no_address(stage: Alarms, chat: Chat) -> None:
    channel = await stage.channel(chat.address)
    await stage.tell("con_1")
    await stage.channel(None, channel_id=channel, revision=2, deleted=True, enabled=False)
    stage.moment += timedelta(minutes=1)
    await stage.turn()
    assert chat.got == []
    assert await stage.pool.fetchval("select count(*) from alert_secret") == 0


async def test_alerts_of_a_deleted_connection_are_removed(stage: Alarms, chat: Chat) -> None:
    await stage.channel(chat.address)
    await stage.tell("con_1")
    await stage.tell("con_2")
    deleted = ConnectionDescribed(
        connection_id="con_1",
        system="tryton",
        lifecycle=Lifecycle.DELETED,
        credential_version=1,
        revision=2,
        created_at=now(),
        changed_at=now(),
        reason="deleted",
    )
    await stage.handle("connections", an_event(deleted, "con_1"))
    await stage.purge("con_1")
    stage.moment += timedelta(minutes=1)
    await stage.turn()
    [message] = chat.got
    assert "con_2" in message["message"]
    assert "con_1" not in message["message"]


async def test_an_address_in_another_channels_row_is_not_used(stage: Alarms, chat: Chat) -> None:
    channel = await stage.channel(chat.address, group_seconds=0)
    await stage.pool.execute("update alert_secret set secret_id = 'als_moved'")
    await stage.tell("con_1")
    await stage.turn()
    [message] = await stage.messages(channel)
    assert (message["last_error"], chat.got) == (NO_ADDRESS, [])


async def test_warnings_of_connections_reach_people_and_no_webhook(stage: Alarms, chat: Chat) -> None:
    await stage.channel(chat.address, event_types=list(CONNECTION_WARNINGS), group_seconds=0)
    endpoint = await stage.endpoint("/hooks")
    renew = {"move": Move.CUSTOMER, "action": "Renew them."}
    expiring = await stage.tell(
        "con_1", CredentialsExpiring, summary="They end in 7 days.", expires_at=NOON, **renew
    )
    await stage.tell("con_1", PermissionsMissing, summary="It may not read parts.", permissions=[], **renew)
    await stage.handle("connection-events", expiring)
    stage.moment += timedelta(minutes=1)
    await stage.turn()
    await stage.turn()
    assert sorted(one["title"] for one in chat.got) == [
        "A connection lacks rights that it needs",
        "Credentials of a connection will end",
    ]
    (said,) = [one["message"] for one in chat.got if "7 days" in one["message"]]
    assert "Whose move: the customer." in said
    assert "What to do: Renew them." in said
    assert await stage.deliveries(endpoint) == []
