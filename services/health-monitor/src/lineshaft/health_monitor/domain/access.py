"""What the source grants compared with what is needed: when it is asked for, and what has changed.

It is no verdict: that is for calls that fail. It names the objects that will, before they do.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from lineshaft.common.events.access import AccessChecked, Permission
from lineshaft.common.events.health import PermissionsMissing
from lineshaft.common.ids import derived_id
from lineshaft.common.outcomes import Grant, Move, NeededBy
from lineshaft.health_monitor.domain.confirming import spread
from lineshaft.health_monitor.domain.effects import AccessCheckWanted, Announced
from lineshaft.health_monitor.domain.expiry import end_has_moved
from lineshaft.health_monitor.domain.state import ConnectionState
from lineshaft.health_monitor.domain.step import Step
from lineshaft.health_monitor.domain.thresholds import Thresholds

NAMED = 8
UNANSWERED = timedelta(hours=1)
"""A check that came to nothing is asked for again after this."""


def learn_access(step: Step, event: AccessChecked) -> None:
    """A check with older credentials, or one that was overtaken, tells nothing."""
    state, known = step.state, step.state.access
    stale = known.checked_at is not None and event.at < known.checked_at
    if state.ended or stale or event.credential_version < state.credential_version:
        return
    before = {_key(one): one for one in known.missing}
    denied = [one for one in event.permissions if one.granted is Grant.DENIED]
    lost = [one for one in denied if not _was_missing(before.get(_key(one)), one)]
    gained = [one for one in event.permissions if one.granted is Grant.GRANTED and _key(one) in before]
    unknown = {_key(one) for one in event.permissions if one.granted is Grant.UNKNOWN}
    moved = end_has_moved(known.expires_at, event.credentials_expire_at)
    step.state = state.model_copy(
        update={
            "access": known.model_copy(
                update={
                    "answered": True,
                    "checked_at": event.at,
                    "permissions": tuple(event.permissions),
                    "missing": (*denied, *(one for key, one in before.items() if key in unknown)),
                    "expires_at": event.credentials_expire_at if moved else known.expires_at,
                    "warned": () if moved else known.warned,
                }
            )
        }
    )
    if gained:
        step.note(
            "permissions.gained",
            f"{step.state.called} now lets this account {_list(gained)}.",
            permissions=_dumped(gained),
        )
    if lost:
        _tell_of_missing(step, lost, event, first=known.checked_at is None)


def ask_for_access(step: Step) -> None:
    at = next_access_check(step.state, step.thresholds)
    if at is None or at > step.now:
        return
    state = step.state
    update = {
        "asked_at": step.now,
        "asked_version": state.credential_version,
        "answered": False,
        "doubted": False,
    }
    step.state = state.model_copy(update={"access": state.access.model_copy(update=update)})
    command_id = derived_id("cmd", state.connection_id, "access", step.now.isoformat())
    step.effects.append(AccessCheckWanted(command_id, state.connection_id))


def doubt_access(step: Step) -> None:
    """A refusal or a changed mapping: look again, though not at once after the last look."""
    state = step.state
    step.state = state.model_copy(update={"access": state.access.model_copy(update={"doubted": True})})


def next_access_check(state: ConnectionState, thresholds: Thresholds) -> datetime | None:
    """At once with new credentials; none while the connection is not to be called."""
    access = state.access
    silent = state.rejection is not None or state.whole.breaker.state != "closed" or "" in state.stops
    if thresholds.access_check is None or not state.active or state.credential_version == 0 or silent:
        return None
    if access.asked_at is None or access.asked_version < state.credential_version:
        return state.since or access.asked_at
    if access.doubted:
        return access.asked_at + thresholds.access_pause
    if not access.answered:
        return access.asked_at + spread(min(UNANSWERED, thresholds.access_check), state.connection_id)
    return access.asked_at + spread(thresholds.access_check, state.connection_id)


def _tell_of_missing(step: Step, lost: Sequence[Permission], event: AccessChecked, *, first: bool) -> None:
    state = step.state
    needed = [one for one in lost if one.needed_by != [NeededBy.WRITES]]
    summary = f"{state.called} does not let this account {_list(needed or lost)}"
    if first:
        summary += ", which this connection needs." if needed else ", should something be written."
    else:
        summary += " any more."
    step.note("permissions.missing" if first else "permissions.lost", summary, permissions=_dumped(lost))
    if not needed:
        return
    step.effects.append(
        Announced(
            derived_id("evt", event.command_id, "permissions"),
            PermissionsMissing(
                connection_id=state.connection_id,
                system=state.system,
                metadata=state.metadata,
                status=state.status,
                credential_version=state.credential_version,
                at=step.now,
                summary=summary,
                move=Move.CUSTOMER,
                action=f"An administrator of {state.called} gives the account the right to {_list(needed)}."
                " Nothing has to be reconnected.",
                permissions=list(needed),
            ),
        )
    )


def _key(permission: Permission) -> tuple[str, str]:
    return permission.object, permission.verb


def _was_missing(before: Permission | None, now: Permission) -> bool:
    """Fewer fields than before are no news."""
    if before is None:
        return False
    return not before.fields or (bool(now.fields) and set(now.fields) <= set(before.fields))


def _list(permissions: Sequence[Permission]) -> str:
    names = [f"{one.verb} {_name(one)}" for one in permissions]
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _name(permission: Permission) -> str:
    fields = f" ({', '.join(permission.fields)})" if permission.fields else ""
    return permission.object + fields


def _dumped(permissions: Iterable[Permission]) -> list[dict[str, object]]:
    return [one.model_dump(mode="json") for one in permissions]
