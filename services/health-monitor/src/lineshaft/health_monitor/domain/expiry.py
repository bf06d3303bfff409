"""Warnings before credentials end, once for each of some days before."""

from datetime import datetime, timedelta

from lineshaft.common.events.health import CredentialsExpiring
from lineshaft.common.ids import derived_id
from lineshaft.common.outcomes import Move
from lineshaft.health_monitor.domain.effects import Announced
from lineshaft.health_monitor.domain.state import ConnectionState
from lineshaft.health_monitor.domain.step import Step
from lineshaft.health_monitor.domain.thresholds import Thresholds

JITTER = timedelta(hours=1)


def warn_of_expiry(step: Step) -> None:
    """Of several days that have come meanwhile the nearest one speaks for all."""
    state, access = step.state, step.state.access
    at = next_expiry_warning(state, step.thresholds)
    if at is None or at > step.now or access.expires_at is None:
        return
    come = [days for days in step.thresholds.expiry_warnings if _before(access.expires_at, days) <= step.now]
    step.state = state.model_copy(update={"access": access.model_copy(update={"warned": tuple(come)})})
    if access.expires_at <= step.now:
        return
    summary = (
        f"The credentials of this connection to {state.called} end on"
        f" {access.expires_at:%Y-%m-%d %H:%M} UTC{_in_words(access.expires_at - step.now)}."
    )
    step.note("credentials.expiring", summary, expires_at=access.expires_at.isoformat())
    step.effects.append(
        Announced(
            derived_id("evt", state.connection_id, "expiring", access.expires_at.isoformat(), min(come)),
            CredentialsExpiring(
                connection_id=state.connection_id,
                system=state.system,
                metadata=state.metadata,
                status=state.status,
                credential_version=state.credential_version,
                at=step.now,
                summary=summary,
                move=Move.CUSTOMER,
                action=f"Renew them in {state.called}, then open a reconnect link and enter the new ones.",
                expires_at=access.expires_at,
            ),
        )
    )


def next_expiry_warning(state: ConnectionState, thresholds: Thresholds) -> datetime | None:
    """The next day of which nobody has been warned; none while nothing works with them anyway."""
    expires_at = state.access.expires_at
    if expires_at is None or not state.active or state.rejection is not None:
        return None
    left = [days for days in thresholds.expiry_warnings if days not in state.access.warned]
    return _before(expires_at, max(left)) if left else None


def end_has_moved(known: datetime | None, told: datetime | None) -> bool:
    """Some sources tell how long it is until then, which comes out a little different each time."""
    if known is None or told is None:
        return known is not told
    return abs(told - known) > JITTER


def _before(expires_at: datetime, days: float) -> datetime:
    return expires_at - timedelta(days=days)


def _in_words(left: timedelta) -> str:
    days = round(left / timedelta(days=1))
    if days == 0:
        return ", within a day"
    return f", in {days} day{'s' if days > 1 else ''}"
