"""How every service runs: broker, producer, relay, watchdog and HTTP port in one event loop, and a clean end.

SIGTERM: stop intake, finish what is in hand, commit, leave the group, send the outbox, exit 0.
"""

import asyncio
import contextlib
import logging
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import uvicorn
from faststream.kafka import KafkaBroker
from pydantic import ValidationError

from lineshaft.common import tracing
from lineshaft.common.errors import ConfigurationError
from lineshaft.common.kafka.consumer import Subscription
from lineshaft.common.kafka.producer import Producer
from lineshaft.common.kafka.watchdog import Watchdog
from lineshaft.common.logs import configure, logger
from lineshaft.common.operations import Check, operations_app
from lineshaft.common.postgres.inbox import prune
from lineshaft.common.postgres.outbox import Relay
from lineshaft.common.postgres.pool import RETRYABLE, Pool
from lineshaft.common.settings import Settings

Background = Callable[[asyncio.Event], Coroutine[Any, Any, None]]
"""Runs until the event is set, then finishes what it has in hand and returns."""

KAFKA_WAIT_SECONDS = 60.0
PRUNE_SECONDS = 3600.0
CONFIGURATION_EXIT_CODE = 2
HANDLERS_SHARE = 0.6
"""Of the time to stop: handlers that take longer are cancelled, and another member has their records."""
LAST_MOMENT_SECONDS = 0.5
FASTSTREAM_LOGGER = "lineshaft.faststream"

S = TypeVar("S", bound=Settings)

log = logger(__name__)


@dataclass(frozen=True, slots=True)
class Service:
    """What a composition root hands to `run`."""

    name: str
    settings: Settings
    pool: Pool
    producer: Producer
    subscriptions: Sequence[Subscription[Any]]
    background: Mapping[str, Background] = field(default_factory=dict)
    checks: Mapping[str, Check] = field(default_factory=dict)
    http_app: Any = None
    """Serves the HTTP port in place of the plain operations app."""


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are `run`'s own."""
        yield


async def start_producer(settings: Settings, service: str) -> Producer:
    """A running producer; waits up to a minute for Kafka to come up."""
    producer = Producer(
        settings.kafka_bootstrap_servers,
        settings.topic_prefix,
        f"lineshaft-{service}",
        settings.kafka_security,
    )
    deadline = asyncio.get_running_loop().time() + KAFKA_WAIT_SECONDS
    while True:
        try:
            await producer.start()
        except ConfigurationError:
            raise
        except Exception as error:
            if asyncio.get_running_loop().time() > deadline:
                raise
            log.info("waiting_for_kafka", error=repr(error))
            await asyncio.sleep(0.5)
        else:
            return producer


def main(
    name: str, load_settings: Callable[[], S], build: Callable[[S], Coroutine[Any, Any, Service]]
) -> None:
    """The entry point of every service; ends with code 2 where a setting is missing or wrong."""
    try:
        settings = load_settings()
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_input=False):
            variable = f"LINESHAFT_{'.'.join(map(str, problem['loc']))}".upper()
            print(f"{variable}: {problem['msg']}", file=sys.stderr)  # noqa: T201  logs are not set up yet
        sys.exit(CONFIGURATION_EXIT_CODE)
    configure(name, settings.log_level)
    if settings.traces_endpoint is not None:
        tracing.configure(name, settings.traces_endpoint)

    async def _main() -> None:
        await run(await build(settings))

    try:
        asyncio.run(_main())
    except ConfigurationError as error:
        log.critical("refused_to_start", reason=str(error))
        sys.exit(CONFIGURATION_EXIT_CODE)


async def run(service: Service) -> None:
    """Until SIGTERM or SIGINT. A background task that fails ends the process with its error."""
    settings = service.settings
    log.info("starting", settings=settings.summary())
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)

    broker = KafkaBroker(
        settings.kafka_bootstrap_servers,
        client_id=f"lineshaft-{service.name}",
        security=settings.kafka_security.for_broker(),
        apply_types=False,
        allow_auto_create_topics=False,
        graceful_timeout=settings.shutdown_seconds * HANDLERS_SHARE,
        logger=logging.getLogger(FASTSTREAM_LOGGER),
        log_level=logging.DEBUG,
    )
    for subscription in service.subscriptions:
        subscription.attach(
            broker,
            service.producer,
            service=service.name,
            topic_prefix=settings.topic_prefix,
            session_seconds=settings.session_seconds,
            fetch_wait_ms=settings.fetch_wait_ms,
        )

    relay = Relay(service.pool, service.producer, service.name)
    watchdog = Watchdog(service.name, service.subscriptions, settings.watchdog_seconds)
    server = _Server(_http_config(service))

    http = asyncio.create_task(server.serve(), name="http")
    await _start_together(broker)
    drained = asyncio.Event()
    relaying = asyncio.create_task(relay.run(drained), name="relay")
    works: dict[str, Background] = {
        **service.background,
        "watchdog": watchdog.run,
        "prune": partial(_prune, service.pool),
    }
    tasks = [asyncio.create_task(work(stopping), name=name) for name, work in works.items()]
    log.info("started", port=settings.http_port)

    await _first_end(stopping, [*tasks, relaying, http])
    stopping.set()
    log.info("stopping")
    until = _Deadline(settings.shutdown_seconds)
    for subscription in service.subscriptions:
        subscription.stop()
    await until.share(0.8, "consumers", broker.stop())
    failures = await _finish(tasks, until.left(0.9))
    drained.set()
    failures += await _finish([relaying], until.left(1.0))
    server.should_exit = True
    await until.share(1.0, "http", asyncio.gather(http, return_exceptions=True))
    await until.share(1.0, "producer", service.producer.stop())
    if not await until.share(1.0, "postgres", service.pool.close()):
        service.pool.terminate()
    log.info("stopped")
    if failures:
        raise failures[0]


class _Deadline:
    """The time to stop, which all parts share: a supervisor kills what takes longer."""

    def __init__(self, seconds: float) -> None:
        self._started = time.monotonic()
        self._seconds = seconds

    def left(self, share: float) -> float:
        """Seconds until this share of the time is over, and a moment in any case."""
        return max(LAST_MOMENT_SECONDS, self._started + self._seconds * share - time.monotonic())

    async def share(self, share: float, name: str, end: Awaitable[object]) -> bool:
        """Whether it ended in time."""
        try:
            await asyncio.wait_for(end, self.left(share))
        except TimeoutError:
            log.warning("not_stopped_in_time", part=name)
            return False
        return True


def _http_config(service: Service) -> uvicorn.Config:
    app = service.http_app or operations_app(readiness(service.pool, service.subscriptions, service.checks))
    return uvicorn.Config(
        app,
        host=service.settings.http_host,
        port=service.settings.http_port,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=5,
    )


def readiness(
    pool: Pool, subscriptions: Sequence[Subscription[Any]], checks: Mapping[str, Check]
) -> dict[str, Check]:
    """Postgres answers and every subscription has its consumer in the group."""

    async def postgres() -> str | None:
        try:
            await asyncio.wait_for(pool.fetchval("select 1"), timeout=2)
        except Exception as error:  # noqa: BLE001  whatever is wrong is the answer
            return repr(error)
        return None

    async def kafka() -> str | None:
        halted = [subscription.name for subscription in subscriptions if subscription.halted]
        if halted:
            return f"stopped, records of several connections cannot be processed: {', '.join(halted)}"
        waiting = [subscription.name for subscription in subscriptions if not subscription.joined()]
        return f"not in their groups yet: {', '.join(waiting)}" if waiting else None

    return {"postgres": postgres, "kafka": kafka, **checks}


async def _start_together(broker: KafkaBroker) -> None:
    """FastStream starts subscribers one after another, and each waits for its group."""
    await broker.connect()
    await asyncio.gather(*(subscriber.start() for subscriber in broker.subscribers))
    broker.running = True


async def _first_end(stopping: asyncio.Event, tasks: Sequence[asyncio.Task[Any]]) -> None:
    waiter = asyncio.create_task(stopping.wait())
    done, _ = await asyncio.wait([waiter, *tasks], return_when=asyncio.FIRST_COMPLETED)
    waiter.cancel()
    for task in done - {waiter}:
        log.error("task_ended", task=task.get_name(), error=repr(task.exception()))


async def _finish(tasks: Sequence[asyncio.Task[None]], seconds: float) -> list[BaseException]:
    done, late = await asyncio.wait(tasks, timeout=seconds)
    for task in late:
        log.warning("task_cancelled", task=task.get_name())
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)
    return [error for task in done if not task.cancelled() and (error := task.exception())]


async def _prune(pool: Pool, stopping: asyncio.Event) -> None:
    while not stopping.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), PRUNE_SECONDS)
        if not stopping.is_set():
            try:
                await prune(pool)
            except RETRYABLE as error:
                log.warning("pruning_retries", error=repr(error))
