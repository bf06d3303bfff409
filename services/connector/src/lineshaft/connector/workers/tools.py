"""What every worker needs, and how it opens the source of a connection."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from lineshaft.common.clock import Clock, now
from lineshaft.common.encryption import KeyRing
from lineshaft.common.errors import ConfigurationError
from lineshaft.common.events.calls import CALL_EVENT_TYPES, Call
from lineshaft.common.events.commands import CommandCompleted, CommandProblem
from lineshaft.common.events.envelope import Event, new_event
from lineshaft.common.events.model import EventData
from lineshaft.common.ids import derived_id, new_id
from lineshaft.common.integrations import Catalog, System
from lineshaft.common.integrations.oauth import operators_client
from lineshaft.common.kafka.producer import Producer
from lineshaft.common.metrics import METRICS
from lineshaft.common.outcomes import Operation
from lineshaft.common.postgres.pool import Pool
from lineshaft.connector.adapters import connections, networks
from lineshaft.connector.adapters.budgets import SharedBudget
from lineshaft.connector.adapters.commands import NAME, CommandJob, completed
from lineshaft.connector.adapters.credentials import Credential, Credentials
from lineshaft.connector.adapters.http import SourceHttp
from lineshaft.connector.adapters.networks import Networks
from lineshaft.connector.adapters.protocols import Opener, open_source
from lineshaft.connector.adapters.protocols.target import Target
from lineshaft.connector.adapters.sessions import SharedSessions
from lineshaft.connector.domain.aftermath import RATE_LIMIT_PAUSE, Aftermath, after_failure
from lineshaft.connector.domain.evidence import Caller, Evidence
from lineshaft.connector.domain.gate import Obedience
from lineshaft.connector.domain.protocol import SourceAdapter
from lineshaft.connector.domain.sessions import Sessions

CHANCE = random.Random()  # noqa: S311  spreads retries, guards nothing


@dataclass(frozen=True, slots=True)
class Tools:
    pool: Pool
    producer: Producer
    catalog: Catalog
    keys: KeyRing
    networks: Networks
    credentials: Credentials
    slice_seconds: float = 45.0
    silent_limit: timedelta = RATE_LIMIT_PAUSE
    reads_by_default: bool = False
    """A connection without a schedule will get one."""
    opener: Opener = open_source
    clock: Clock = now
    owner: str = field(default_factory=lambda: new_id("wrk"))
    """Of this process's leases."""

    def system(self, name: str) -> System:
        """Raises ConfigurationError for one that this installation does not have."""
        system = self.catalog.systems.get(name)
        if system is None:
            raise ConfigurationError(f"there is no system {name!r} here")
        return system

    async def with_client(self, system: System, values: Mapping[str, str]) -> Mapping[str, str]:
        """The credentials, with the client that the operator has registered where the system needs one."""
        if not operators_client(system.manifest):
            return values
        return {**await self.credentials.oauth_client(self.pool, system.id), **values}

    def after(self, evidence: Evidence, attempts: int = 0) -> Aftermath:
        return after_failure(evidence, attempts, self.clock(), CHANCE, silent_limit=self.silent_limit)

    async def http_of(self, connection_id: str) -> SourceHttp:
        """On the way that an operator has set, if there is one."""
        return self.networks.http(await networks.find(self.pool, self.keys, connection_id))

    def open(self, target: Target, http: SourceHttp, sessions: Sessions) -> SourceAdapter:
        return self.opener(target, http, sessions)

    async def open_in_force(
        self, connection_id: str, obeys: Obedience = Obedience.ALL
    ) -> "OpenSource | None":
        """The source with the credentials in force; None where there are none."""
        credential = await self.credentials.in_force(self.pool, connection_id)
        if credential is None:
            return None
        login_owner = new_id("log")
        custom = await connections.custom_objects(self.pool, connection_id)
        system = self.system(credential.system).with_objects(custom)
        sessions = SharedSessions(
            self.pool, self.keys, credential, login_owner, obeys=obeys, clock=self.clock
        )
        values = await self.with_client(system, credential.values)
        http = await self._counted(connection_id, system)
        adapter = self.open(Target(system, credential.settings, values), http, sessions)
        caller = Caller(connection_id, credential.system, credential.version, adapter.host)
        return OpenSource(adapter, caller, credential, system, login_owner)

    async def _counted(self, connection_id: str, system: System) -> SourceHttp:
        network, limits = await networks.find(self.pool, self.keys, connection_id), system.manifest.limits
        budget = SharedBudget(
            self.pool,
            connection_id,
            network.requests_per_minute or limits.requests_per_minute,
            limits.reset_header,
            self.clock,
        )
        return self.networks.http(network).within(budget)


@dataclass(frozen=True, slots=True)
class OpenSource:
    adapter: SourceAdapter
    caller: Caller
    credential: Credential
    system: System
    login_owner: str


def call_events(calls: Sequence[Call]) -> list[Event[Any]]:
    """What is told of calls, and counted with it."""
    for call in calls:
        METRICS.calls.labels(call.system, call.operation, call.outcome).inc(call.count)
        if call.operation != Operation.READ:  # a read takes its own time, page by page
            METRICS.call_seconds.labels(call.system, call.operation).observe(call.duration_ms / 1000)
    return [
        new_event(call, source=NAME, key=call.connection_id, event_type=CALL_EVENT_TYPES[call.outcome])
        for call in calls
    ]


def event_about(data: EventData, key: str, *event_id: object) -> Event[Any]:
    """An event whose id follows from what it tells, so that told twice it counts once."""
    return new_event(data, source=NAME, key=key, event_id=derived_id("evt", *event_id))


def answered(
    job: CommandJob,
    clock: Clock,
    *,
    result: dict[str, Any] | None = None,
    problem: CommandProblem | None = None,
) -> Event[CommandCompleted]:
    return completed(job.command, at=clock(), traceparent=job.traceparent, result=result, problem=problem)
