"""What an operator orders: calls stopped or let go on, a fault muted; a line says who and why."""

from datetime import timedelta

from lineshaft.common.events.commands import BreakerForced, CommandCompleted, CommandProblem, IssueMuted
from lineshaft.health_monitor.domain.effects import Answered, IssueChanged
from lineshaft.health_monitor.domain.state import ConnectionState, Stop
from lineshaft.health_monitor.domain.step import Step

LONGEST = timedelta(days=1)
"""A stop that names no end, so that a forgotten one ends."""


def force(step: Step, command: BreakerForced, event_id: str) -> None:
    """Stop the calls, or close the breakers; refused credentials are mended by reconnecting only."""
    if _answered_unknown(step, command):
        return
    if command.state == "open":
        _stop(step, command, event_id)
    elif step.state.rejection is not None and command.object is None:
        _answer(
            step,
            command,
            problem=CommandProblem(
                code="reauthorization_required",
                message="The credentials were refused; the connection must be reconnected.",
            ),
        )
    else:
        _let_go_on(step, command)


def mute(step: Step, command: IssueMuted) -> None:
    """Announce nothing new of the fault for a while; the end of what was announced is told all the same."""
    issue = next((one for one in step.state.issues.values() if one.issue_id == command.issue_id), None)
    if issue is None:
        _answer(step, command, problem=CommandProblem(code="not_found", message="No such issue is open."))
        return
    until = command.until if command.until is not None and command.until > step.now else None
    issue = issue.model_copy(update={"muted_until": until})
    mutes = {fault: end for fault, end in step.state.mutes.items() if fault is not issue.fault}
    if until is not None:
        mutes[issue.fault] = until
    step.state = step.state.model_copy(
        update={"mutes": mutes, "issues": {**step.state.issues, issue.fault: issue}}
    )
    step.effects.append(IssueChanged(step.state.connection_id, issue, None))
    step.note(
        "issue.muted" if until else "issue.unmuted",
        command.reason or ("Muted." if until else "No longer muted."),
        command.actor,
        issue_id=issue.issue_id,
        fault=issue.fault,
        until=until.isoformat() if until else None,
    )
    _answer(step, command, result={"issue_id": issue.issue_id, "muted_until": until and until.isoformat()})


def expire(step: Step) -> None:
    """Stops and mutes whose time has come."""
    state, now = step.state, step.now
    over = [name for name, stop in state.stops.items() if stop.until <= now]
    for name in over:
        step.note("breaker.released", "The time of the stop is over.", object=name or None)
    if over or any(until <= now for until in state.mutes.values()):
        step.state = state.model_copy(
            update={
                "stops": {name: stop for name, stop in state.stops.items() if name not in over},
                "mutes": {fault: until for fault, until in state.mutes.items() if until > now},
            }
        )


def _stop(step: Step, command: BreakerForced, event_id: str) -> None:
    name = command.object or ""
    until = command.until or step.now + LONGEST
    if until <= step.now:
        _answer(
            step,
            command,
            problem=CommandProblem(code="validation_failed", message="`until` has passed.", field="until"),
        )
        return
    stop = Stop(order_id=event_id, since=step.now, until=until, actor=command.actor, reason=command.reason)
    step.state = step.state.model_copy(update={"stops": {**step.state.stops, name: stop}})
    step.note(
        "breaker.forced_open", command.reason, command.actor, object=command.object, until=until.isoformat()
    )
    _answer(step, command, result={"state": "open", "object": command.object, "until": until.isoformat()})


def _let_go_on(step: Step, command: BreakerForced) -> None:
    state, name = step.state, command.object
    update: dict[str, object] = {
        "stops": {key: stop for key, stop in state.stops.items() if name is not None and key != name},
        "scopes": {
            key: scope.tried_anew() if name in {None, scope.object} else scope
            for key, scope in state.scopes.items()
        },
    }
    if name is None:
        update |= {
            "whole": state.whole.tried_anew(),
            "probed_at": None,
            "held_until": None,
            "exempt_outage": state.outage_mark.partition("/")[0],
        }
    step.state = state.model_copy(update=update)
    step.note("breaker.forced_closed", command.reason, command.actor, object=name)
    _answer(step, command, result={"state": "closed", "object": name, "until": None})


def _answered_unknown(step: Step, command: BreakerForced) -> bool:
    state: ConnectionState = step.state
    if state.lifecycle is not None and not state.ended:
        return False
    _answer(step, command, problem=CommandProblem(code="not_found", message="There is no such connection."))
    return True


def _answer(
    step: Step,
    command: BreakerForced | IssueMuted,
    *,
    result: dict[str, object] | None = None,
    problem: CommandProblem | None = None,
) -> None:
    step.effects.append(
        Answered(
            CommandCompleted(
                command_id=command.command_id,
                connection_id=command.connection_id,
                at=step.now,
                result=result,
                problem=problem,
            )
        )
    )
