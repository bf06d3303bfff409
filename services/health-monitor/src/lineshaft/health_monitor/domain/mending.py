"""Somebody changes what an object fails for: a definition that reads it, or what it is accepted to be."""

from datetime import datetime

from lineshaft.common.events.drift import MappingDrifted, SchemaAccepted
from lineshaft.common.events.mappings import MappingChanged
from lineshaft.common.outcomes import Fault
from lineshaft.health_monitor.domain.access import doubt_access
from lineshaft.health_monitor.domain.effects import Noted
from lineshaft.health_monitor.domain.state import ConnectionState, ScopeState
from lineshaft.health_monitor.domain.step import Step

Fact = MappingChanged | MappingDrifted | SchemaAccepted


def note(step: Step, fact: Fact) -> None:
    """A line at its own time, for an older one may be read again; and the object is tried anew."""
    step.effects.append(_line_of(fact))
    match fact:
        case MappingChanged():
            doubt_access(step)
            step.state = tried_anew(step.state, fact.object, fact.changed_at)
        case SchemaAccepted():
            step.state = tried_anew(step.state, fact.object, fact.at)
        case MappingDrifted():
            pass


def tried_anew(state: ConnectionState, object_name: str, at: datetime) -> ConnectionState:
    """Without the configuration fault that the object had before."""
    scopes = {
        key: scope.tried_anew() if _before(scope, object_name, at) else scope
        for key, scope in state.scopes.items()
    }
    return state.model_copy(update={"scopes": scopes})


def _before(scope: ScopeState, object_name: str, at: datetime) -> bool:
    return (
        scope.object == object_name
        and scope.fault is Fault.CONFIGURATION
        and (scope.last_error_at is None or scope.last_error_at <= at)
    )


def _line_of(fact: Fact) -> Noted:
    match fact:
        case MappingDrifted():
            details = fact.model_dump(mode="json", include={"object", "held", "entities", "offered", "move"})
            return Noted(fact.connection_id, fact.at, "mapping.drifted", fact.summary, details=details)
        case SchemaAccepted():
            return Noted(
                fact.connection_id,
                fact.at,
                "schema.accepted",
                f"{fact.object} was accepted as it is now, with {fact.accepted} changes.",
                fact.actor,
                {"object": fact.object},
            )
        case MappingChanged():
            why = f": {fact.comment}" if fact.comment else ""
            return Noted(
                fact.connection_id,
                fact.changed_at,
                "mapping.changed",
                f"Version {fact.version} of the mapping of {fact.entity}{why}",
                fact.changed_by,
                {"entity": fact.entity, "object": fact.object, "version": fact.version},
            )
