"""Leases commands and carries them out."""

import asyncio
from datetime import timedelta

from lineshaft.common.encryption import UnreadableSecretError
from lineshaft.common.errors import RetryableError
from lineshaft.common.events.commands import (
    AccessCheckRequested,
    AuthorizationRequested,
    CommandProblem,
    DescriptionRequested,
    DiagnosisRequested,
    ProbeRequested,
    SampleRequested,
    WriteRequested,
)
from lineshaft.common.ids import new_id
from lineshaft.common.logs import logger
from lineshaft.common.postgres.pool import RETRYABLE
from lineshaft.common.tracing import span
from lineshaft.connector.adapters import commands
from lineshaft.connector.adapters.commands import CommandJob
from lineshaft.connector.domain import problems
from lineshaft.connector.domain.gate import CredentialsReplacedError, GateClosedError
from lineshaft.connector.workers.authorization import Authorization
from lineshaft.connector.workers.calling import refused_command
from lineshaft.connector.workers.checking import check_access
from lineshaft.connector.workers.describing import describe
from lineshaft.connector.workers.diagnosing import diagnose
from lineshaft.connector.workers.probing import probe
from lineshaft.connector.workers.sampling import sample
from lineshaft.connector.workers.tools import Tools
from lineshaft.connector.workers.writing import write

MOST_ATTEMPTS = 4
PAUSE = timedelta(seconds=2)

log = logger(__name__)


class Commanding:
    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def take(self) -> CommandJob | None:
        return await commands.lease(self._tools.pool, new_id("own"))

    async def work(self, job: CommandJob, stopping: asyncio.Event) -> None:
        """A command that was begun is finished, also when the process is stopping."""
        bound = log.bind(command_id=job.command.command_id, connection_id=job.command.connection_id)
        if job.attempts > MOST_ATTEMPTS:
            await self._give_up(job)
            return
        try:
            with span(job.command.event_type, job.traceparent, connection_id=job.command.connection_id):
                await self._carry_out(job)
        except GateClosedError as error:
            await self._answer(job, problems.gate_closed(error.decision, "The system"))
        except CredentialsReplacedError:
            await commands.later(self._tools.pool, job, timedelta(0))
        except (*RETRYABLE, RetryableError) as error:
            bound.warning("command_postponed", error=repr(error))
            await commands.later(self._tools.pool, job, PAUSE)
        except UnreadableSecretError as error:
            bound.error("credentials_unreadable", reason=str(error))
            await self._answer(job, problems.unreadable())
        except Exception:  # noqa: BLE001  a fault of ours must not lose the command
            bound.exception("command_failed", stopping=stopping.is_set())
            await commands.later(self._tools.pool, job, PAUSE)

    async def _carry_out(self, job: CommandJob) -> None:
        command = job.command
        match command:
            case AuthorizationRequested():
                await Authorization(self._tools, job, command).run()
            case WriteRequested():
                await write(self._tools, job, command)
            case ProbeRequested():
                await probe(self._tools, job, command)
            case AccessCheckRequested():
                await check_access(self._tools, job, command)
            case DescriptionRequested():
                await describe(self._tools, job, command)
            case SampleRequested():
                await sample(self._tools, job, command)
            case DiagnosisRequested():
                await diagnose(self._tools, job, command)

    async def _give_up(self, job: CommandJob) -> None:
        log.error("command_given_up", command_id=job.command.command_id, attempts=job.attempts)
        if isinstance(job.command, WriteRequested) and job.called_before:
            await self._answer(job, problems.OUTCOME_UNKNOWN)
            return
        await self._answer(
            job,
            CommandProblem(code="internal_error", message="Lineshaft could not do this; its log says why."),
        )

    async def _answer(self, job: CommandJob, problem: CommandProblem) -> None:
        await refused_command(self._tools, job, problem)
