"""The network ladder of one connection.

1. The network: DNS, TCP, TLS, and one request without credentials where HTTP is spoken.
2. One call that proves the credentials, if the gate lets a probe through.
3. One that reads an object, unless the breaker is open.
"""

import time
from contextlib import aclosing

from lineshaft.common.encryption import UnknownKeyError, UnreadableSecretError
from lineshaft.common.events.calls import Call
from lineshaft.common.events.commands import DiagnosisRequested
from lineshaft.common.events.diagnoses import ConnectionDiagnosed
from lineshaft.common.integrations import System
from lineshaft.common.outcomes import LadderRung, Operation
from lineshaft.common.postgres.outbox import add_events
from lineshaft.common.postgres.pool import Connection
from lineshaft.connector.adapters import commands, connections, gates
from lineshaft.connector.adapters.commands import CommandJob
from lineshaft.connector.adapters.connections import KnownConnection
from lineshaft.connector.adapters.ladder import Climb
from lineshaft.connector.adapters.protocols.route import InvalidAddressError, route_of
from lineshaft.connector.domain import ladder_words as words
from lineshaft.connector.domain.evidence import Evidence, SourceFailureError, about, succeeded_calls
from lineshaft.connector.domain.gate import GateClosedError, Obedience, Reason, Standing, decide
from lineshaft.connector.domain.ladder import DATABASE, HTTP, PROXIED, Ladder, rung_of
from lineshaft.connector.domain.ladder_words import Way
from lineshaft.connector.domain.problems import UNKNOWN_CONNECTION
from lineshaft.connector.workers.probing import key_of
from lineshaft.connector.workers.settling import settle
from lineshaft.connector.workers.tools import OpenSource, Tools, answered, call_events, event_about

CALLED_BY_NOBODY = frozenset({Reason.PAUSED, Reason.DISCONNECTED, Reason.RATE_LIMITED})
"""Not even a request without credentials is made then."""
NETWORK_ALONE = "this ladder looks at the network alone"
ONE_CALL = "the breaker is open, so one call is made and not two"
NO_LOGIN = "nobody could log in"


async def diagnose(tools: Tools, job: CommandJob, command: DiagnosisRequested) -> None:
    known = await connections.get(tools.pool, command.connection_id)
    standing = await gates.standing(tools.pool, command.connection_id)
    if known is not None and standing is not None:
        await Diagnosis(tools, job, command, known, standing).run()
        return
    async with tools.pool.acquire() as connection, connection.transaction():
        if await commands.end(connection, job):
            await add_events(connection, [answered(job, tools.clock, problem=UNKNOWN_CONNECTION)])


class Diagnosis:
    """One ladder, and what its calls came to."""

    def __init__(
        self,
        tools: Tools,
        job: CommandJob,
        command: DiagnosisRequested,
        known: KnownConnection,
        standing: Standing,
    ) -> None:
        self._tools = tools
        self._job = job
        self._command = command
        self._known = known
        self._standing = standing
        self._system: System = tools.system(known.system)
        self._at = tools.clock()
        self._decision = decide(standing, None, self._at, Obedience.NOT_THE_BREAKER)
        self._ladder = Ladder(DATABASE if self._system.manifest.protocol == "sql" else HTTP)
        self._way = Way("", 0)
        self._source: OpenSource | None = None
        self._succeeded: list[Call] = []
        self._failure: Evidence | None = None

    async def run(self) -> None:
        job, started = self._job, time.perf_counter()
        await self._network()
        if self._ladder.stopped is None:
            await self._tell()
            await self._credentials()
        diagnosed = self._diagnosed(_since(started))
        async with self._tools.pool.acquire() as connection, connection.transaction():
            events = call_events([*self._succeeded, *await self._settle(connection)])
            if await commands.end(connection, job):
                events += [
                    event_about(diagnosed, diagnosed.connection_id, diagnosed.command_id, "diagnosed"),
                    answered(job, self._tools.clock, result=diagnosed.model_dump(mode="json")),
                ]
            await add_events(connection, events)

    async def _tell(self) -> None:
        """Whoever waits sees the rungs that are done, and which one is being tried."""
        await commands.keep_progress(
            self._tools.pool, self._job, self._ladder.climbing.model_dump(mode="json")
        )

    async def _network(self) -> None:
        try:
            http = await self._tools.http_of(self._known.connection_id)
            route = route_of(self._system, self._known.settings, http)
        except InvalidAddressError as error:
            self._ladder.failed(LadderRung.DNS, words.invalid_address(str(error)))
            return
        if route.proxy is not None:
            self._ladder = Ladder(PROXIED)
        await self._tell()
        climb = Climb(self._ladder, route, http, self._tell)
        await climb.network()
        self._way = climb.way
        if self._ladder.stopped is not None or LadderRung.HTTP not in self._ladder:
            return
        await self._tell()
        if self._decision.reason in CALLED_BY_NOBODY:
            self._skip(words.why_not_called(self._decision), LadderRung.PROXY, LadderRung.HTTP)
        else:
            await climb.http(decisive=self._decision.closed or not self._command.may_call)

    async def _credentials(self) -> None:
        if self._decision.closed or not self._command.may_call:
            why = words.why_not_called(self._decision) if self._decision.closed else NETWORK_ALONE
            self._skip(why, LadderRung.AUTH, LadderRung.OBJECT)
            return
        source = await self._open()
        if source is None:
            return
        breaker_open = decide(self._standing, None, self._at).reason is Reason.BREAKER_OPEN
        async with aclosing(source.adapter):
            if not await self._auth(source):
                return
            await self._tell()
            if breaker_open:
                self._skip(ONE_CALL, LadderRung.OBJECT)
            else:
                await self._object(source)

    async def _open(self) -> OpenSource | None:
        why = "there are no credentials"
        try:
            self._source = await self._tools.open_in_force(
                self._known.connection_id, Obedience.NOT_THE_BREAKER
            )
        except UnknownKeyError:
            raise
        except UnreadableSecretError:
            why = "the stored credentials cannot be opened; the connection has to be reconnected"
        if self._source is None:
            self._skip(why, LadderRung.AUTH)
            self._skip(NO_LOGIN, LadderRung.OBJECT)
        return self._source

    async def _auth(self, source: OpenSource) -> bool:
        started = time.perf_counter()
        try:
            verified = await source.adapter.verify()
        except GateClosedError as error:
            self._skip(words.why_not_called(error.decision), LadderRung.AUTH)
            self._skip(NO_LOGIN, LadderRung.OBJECT)
            return False
        except SourceFailureError as failure:
            evidence = about(failure.evidence, object_name=None, operation=Operation.PROBE)
            self._failed(source, evidence, LadderRung.AUTH, started)
            return False
        self._worked(source, LadderRung.AUTH, f"logged in as {verified.account_label}", started)
        return True

    async def _object(self, source: OpenSource) -> None:
        name, started = self._object_name(), time.perf_counter()
        try:
            page = await source.adapter.read(name, key_of(source, name), None, limit=1)
        except GateClosedError as error:
            self._skip(words.why_not_called(error.decision), LadderRung.OBJECT)
        except SourceFailureError as failure:
            evidence = about(failure.evidence, object_name=name, operation=Operation.PROBE)
            self._failed(source, evidence, LadderRung.OBJECT, started)
        else:
            seen = f"{name}: {'a record' if page.records else 'no records'}"
            self._worked(source, LadderRung.OBJECT, seen, started, object_name=name)

    def _object_name(self) -> str:
        """What was asked for, else an object that is closed, for it is in question, else the first one."""
        known = self._standing.verdict.objects if self._standing.verdict else {}
        closed = [name for name, scope in known.items() if not scope.callable]
        offered = self._system.manifest.objects
        read = [name for name in offered if self._system.reads(self._known.objects, name)]
        return self._command.object or next(iter([*closed, *(read or offered)]))

    def _worked(
        self,
        source: OpenSource,
        rung: LadderRung,
        seen: str,
        started: float,
        *,
        object_name: str | None = None,
    ) -> None:
        took = _since(started)
        self._ladder.ok(rung, seen, duration_ms=took)
        self._succeeded.append(
            succeeded_calls(
                source.caller,
                Operation.PROBE,
                at=self._tools.clock(),
                object_name=object_name,
                duration_ms=took,
            )
        )

    def _failed(self, source: OpenSource, evidence: Evidence, asked: LadderRung, started: float) -> None:
        self._failure = evidence
        failure = words.of_evidence(self._way, source.system.manifest.label, evidence)
        self._ladder.failed(rung_of(evidence, asked, self._ladder), failure, duration_ms=_since(started))

    def _skip(self, why: str, *rungs: LadderRung) -> None:
        for rung in rungs:
            self._ladder.skip(rung, why)

    def _diagnosed(self, duration_ms: float) -> ConnectionDiagnosed:
        stopped = self._ladder.stopped
        return ConnectionDiagnosed(
            connection_id=self._known.connection_id,
            system=self._known.system,
            command_id=self._command.command_id,
            asked_by=self._command.asked_by,
            at=self._at,
            duration_ms=round(duration_ms, 1),
            host=self._way.place,
            source_address=self._way.source,
            rungs=self._ladder.results,
            failed_rung=stopped.rung if stopped else None,
            ask=stopped.ask if stopped else None,
        )

    async def _settle(self, tx: Connection) -> list[Call]:
        """What the calls change for the connection, as any other call would; the failure to tell of."""
        if self._source is None:
            return []
        if self._failure is not None:
            aftermath = self._tools.after(self._failure)
            return await settle(tx, self._source, self._failure, aftermath, self._tools.clock)
        if self._succeeded:
            caller = self._source.caller
            await gates.accept(tx, caller.connection_id, caller.credential_version)
        return []


def _since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
