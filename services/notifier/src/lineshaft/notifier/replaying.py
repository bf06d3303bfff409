"""Queues the messages of replays, a few at a time, each once however often a replica dies."""

from datetime import timedelta
from typing import Any

from lineshaft.common.clock import Clock, now
from lineshaft.common.events.commands import (
    CommandCompleted,
    CommandProblem,
    ReplayCancelRequested,
    ReplayRequested,
)
from lineshaft.common.events.envelope import new_event
from lineshaft.common.events.webhooks import ReplayCompleted
from lineshaft.common.ids import derived_id
from lineshaft.common.postgres import outbox
from lineshaft.common.postgres.pool import Connection
from lineshaft.notifier.adapters import postgres, replays
from lineshaft.notifier.domain.pace import allowance, pause_seconds

SOURCE = "notifier"
REST = timedelta(seconds=0.5)


class Replays:
    """Cursor and queued deliveries change in one transaction; any number of replicas may work."""

    def __init__(self, clock: Clock = now) -> None:
        self._clock = clock

    async def accept(self, tx: Connection, command: ReplayRequested) -> CommandCompleted:
        endpoint = await replays.choice(tx, command.endpoint_id)
        if endpoint is None:
            return self._answer(
                command.command_id, problem=_problem("not_found", "There is no such endpoint.")
            )
        moment = self._clock()
        if command.since >= min(command.until or moment, moment):
            return self._answer(
                command.command_id,
                problem=_problem("validation_failed", "`since` must be before `until`, and past.", "since"),
            )
        connections = _both(endpoint.connection_ids, command.connection_ids)
        if connections is None:
            return self._answer(
                command.command_id,
                problem=_problem(
                    "validation_failed", "The endpoint gets none of these connections.", "connection_ids"
                ),
            )
        types = sorted(command.event_types or endpoint.event_types)
        replay_id, total = await replays.add(tx, command, types, connections, moment)
        return self._answer(command.command_id, result={"replay_id": replay_id, "total": total})

    async def cancel(self, tx: Connection, command: ReplayCancelRequested) -> CommandCompleted:
        if await replays.cancel(tx, command.replay_id, self._clock()):
            return self._answer(command.command_id, result={"replay_id": command.replay_id})
        return self._answer(command.command_id, problem=_problem("not_found", "No such replay is running."))

    async def step(self, tx: Connection) -> bool:
        """Queue the next messages of one replay; whether there was one."""
        moment = self._clock()
        await postgres.share_routing(tx)
        replay = await replays.take(tx, moment)
        if replay is None:
            return False
        if replay.all_queued and not replay.outstanding:
            await self._complete(tx, replay)
            return True
        seconds = (moment - replay.worked_at).total_seconds()
        number = allowance(per_second=replay.per_second, seconds=seconds, outstanding=replay.outstanding)
        if number and not replay.all_queued:
            again = moment + timedelta(seconds=pause_seconds(replay.per_second))
            await replays.queue(tx, replay, number, moment, again)
            await postgres.wake_senders(tx)
        else:
            await replays.rest(tx, replay, moment + REST)
        return True

    async def _complete(self, tx: Connection, replay: replays.Taken) -> None:
        row = await replays.complete(tx, replay, self._clock())
        if row is None:
            return
        data = ReplayCompleted(**dict(row), at=self._clock())
        event_id = derived_id("evt", replay.replay_id, "completed")
        await outbox.add_events(
            tx, [new_event(data, source=SOURCE, key=replay.endpoint_id, event_id=event_id)]
        )

    def _answer(
        self,
        command_id: str,
        *,
        result: dict[str, Any] | None = None,
        problem: CommandProblem | None = None,
    ) -> CommandCompleted:
        return CommandCompleted(command_id=command_id, at=self._clock(), result=result, problem=problem)


def _problem(code: str, message: str, field: str | None = None) -> CommandProblem:
    return CommandProblem(code=code, message=message, field=field)


def _both(chosen: frozenset[str], asked: list[str]) -> list[str] | None:
    """Empty means all; None if nothing is left."""
    if not chosen or not asked:
        return sorted(chosen or asked)
    return sorted(chosen.intersection(asked)) or None
