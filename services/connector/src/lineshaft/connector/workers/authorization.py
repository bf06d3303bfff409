"""Candidate credentials: verified, compared, and put in force or dropped.

1. The candidate logs in with a session of its own; health never hears of it, for it is in force nowhere.
2. In one transaction: the account is compared, then the version that the candidate would replace.
3. Promoted, it takes its session along, opens the gate and sends waiting jobs on from their cursors.
"""

from contextlib import aclosing
from dataclasses import dataclass, field, replace

from lineshaft.common.encryption import UnknownKeyError, UnreadableSecretError
from lineshaft.common.errors import ConfigurationError
from lineshaft.common.events.commands import AuthorizationRequested, CommandProblem
from lineshaft.common.logs import logger
from lineshaft.common.outcomes import Operation, Outcome
from lineshaft.common.postgres.outbox import add_events
from lineshaft.common.postgres.pool import Connection
from lineshaft.connector.adapters import commands, connections, credentials, gates, sessions, syncs
from lineshaft.connector.adapters.commands import CommandJob
from lineshaft.connector.adapters.credentials import Candidate
from lineshaft.connector.adapters.protocols.target import Target
from lineshaft.connector.domain import problems
from lineshaft.connector.domain.credentials import InForce, Promotion, judge
from lineshaft.connector.domain.evidence import Caller, SourceFailureError, succeeded_calls
from lineshaft.connector.domain.protocol import Verified
from lineshaft.connector.domain.sessions import OwnSession
from lineshaft.connector.workers.tools import Tools, answered, call_events

REFUSED = "refused"
SUPERSEDED = "superseded"

log = logger(__name__)


@dataclass(frozen=True, slots=True)
class Proven:
    """A candidate that opened an account, with the session that did."""

    candidate: Candidate
    verified: Verified
    label: str
    caller: Caller
    own: OwnSession = field(repr=False)


class Authorization:
    def __init__(self, tools: Tools, job: CommandJob, command: AuthorizationRequested) -> None:
        self._tools = tools
        self._job = job
        self._command = command
        self._log = log.bind(connection_id=command.connection_id, command_id=command.command_id)

    async def run(self) -> None:
        proven = await self._prove()
        async with self._tools.pool.acquire() as connection, connection.transaction():
            if not await commands.end(connection, self._job):
                return
            if isinstance(proven, CommandProblem):
                await self._refuse(connection, proven)
            else:
                await self._decide(connection, proven)

    async def _prove(self) -> Proven | CommandProblem:
        tools, command = self._tools, self._command
        try:
            system = tools.system(command.system)
            candidate = await tools.credentials.candidate(
                tools.pool, command.connection_id, command.credential_id
            )
            values = await tools.with_client(system, candidate.values) if candidate else {}
            http = await tools.http_of(command.connection_id)
        except UnknownKeyError:
            raise
        except (ConfigurationError, UnreadableSecretError) as error:
            self._log.exception("authorization_impossible")
            return CommandProblem(code="internal_error", message=str(error))
        if candidate is None:
            return problems.conflict()
        label = system.manifest.label
        own = OwnSession()
        adapter = tools.open(Target(system, command.settings, values), http, own)
        try:
            async with aclosing(adapter):
                verified = await adapter.verify()
        except SourceFailureError as failure:
            evidence = failure.evidence
            self._log.info("candidate_not_verified", outcome=evidence.outcome, code=evidence.code)
            return problems.not_verified(evidence, label)
        caller = Caller(command.connection_id, system.id, 0, adapter.host)
        return Proven(candidate, verified, label, caller, own)

    async def _decide(self, tx: Connection, proven: Proven) -> None:
        in_force = await credentials.lock_in_force(tx, self._command.connection_id)
        promotion = judge(
            proven.verified, self._command.expected_account_id, proven.candidate.created_at, in_force
        )
        self._log.info("candidate_judged", promotion=promotion)
        if promotion is Promotion.MISMATCH:
            await self._refuse(tx, problems.mismatch(proven.label))
        elif promotion is Promotion.CONFLICT:
            await self._refuse(tx, problems.conflict())
        else:
            await self._promote(tx, proven, in_force)

    async def _promote(self, tx: Connection, proven: Proven, in_force: InForce | None) -> None:
        tools, command = self._tools, self._command
        connection_id, credential_id = command.connection_id, command.credential_id
        account_id = proven.verified.account_id
        if not await connections.authorize(tx, connection_id, command.system, command.settings, account_id):
            await self._refuse(tx, problems.conflict())
            return
        await gates.lock(tx, connection_id)
        version = await credentials.promote(
            tx, connection_id, credential_id, replacing=in_force, account_id=account_id
        )
        if proven.own.session is not None:
            await sessions.save(tx, tools.keys, connection_id, credential_id, proven.own.session)
        await gates.open_for_new_credentials(tx, connection_id)
        await syncs.hasten(tx, connection_id)
        call = succeeded_calls(
            replace(proven.caller, credential_version=version), Operation.VERIFY, at=tools.clock()
        )
        result = {
            "account_id": account_id,
            "account_label": proven.verified.account_label,
            "credential_version": version,
            "credential_id": credential_id,
        }
        await add_events(tx, [*call_events([call]), answered(self._job, tools.clock, result=result)])

    async def _refuse(self, tx: Connection, problem: CommandProblem) -> None:
        refused = problem.outcome in {Outcome.CREDENTIALS_REJECTED, Outcome.ACCOUNT_MISMATCH}
        await credentials.drop(
            tx,
            self._command.connection_id,
            self._command.credential_id,
            REFUSED if refused else SUPERSEDED,
        )
        await add_events(tx, [answered(self._job, self._tools.clock, problem=problem)])
