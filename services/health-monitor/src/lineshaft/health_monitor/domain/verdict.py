"""From a fault to words: what is wrong, whose move it is and what to do, for a customer's administrator."""

from typing import NamedTuple, assert_never

from lineshaft.common.events.health import Verdict
from lineshaft.common.outcomes import Fault, LadderRung, Move, Operation, Scope
from lineshaft.health_monitor.domain.faults import ActiveFault
from lineshaft.health_monitor.domain.wording import (
    CREDENTIAL_WORDS,
    LOCKING,
    NETWORK_WORDS,
    OWN_NETWORK_ACTION,
)

NAMED_OBJECTS = 5


class Words(NamedTuple):
    summary: str
    move: Move
    action: str


def verdict(fault: ActiveFault, system: str) -> Verdict:
    """The verdict on one fault."""
    words = _words(fault, system)
    return Verdict(
        scope=fault.scope,
        fault=fault.fault,
        objects=list(fault.objects),
        fields=list(fault.fields),
        operations=list(fault.operations),
        confidence=fault.confidence,
        rung=_rung(fault),
        summary=words.summary,
        move=words.move,
        action=words.action,
        evidence=list(fault.evidence),
    )


def _words(fault: ActiveFault, system: str) -> Words:  # noqa: PLR0911  one answer per fault
    match fault.fault:
        case Fault.CREDENTIALS:
            what, action = CREDENTIAL_WORDS.get(fault.code or "", CREDENTIAL_WORDS[""])
            return Words(
                f"{system} {what}. Nothing is read or written until it is reconnected.", Move.CUSTOMER, action
            )
        case Fault.PERMISSION:
            return _permission(fault, system)
        case Fault.CONFIGURATION:
            return _configuration(fault, system)
        case Fault.NETWORK if fault.objects:
            return Words(
                f"{system} does not answer in time for {_list(fault.objects)}; everything else goes on.",
                Move.CUSTOMER,
                f"Check the load of the system, and how long reading {_list(fault.objects)} takes "
                "there. Fewer records or a smaller page may help.",
            )
        case Fault.NETWORK:
            return _network(fault, system)
        case Fault.SOURCE_DOWN:
            return Words(
                f"{system} answers with errors of its own.{_only(fault)}",
                Move.SOURCE_VENDOR,
                f"Whoever runs {system} looks into its log; we try again by ourselves and go on when it "
                "works.",
            )
        case Fault.SOURCE_RATE_LIMIT:
            return _limit(fault, system)
        case Fault.PLATFORM:
            return _platform(fault, system)
        case _:
            assert_never(fault.fault)


def _network(fault: ActiveFault, system: str) -> Words:
    """What the ladder found says more than the call that failed."""
    what, action = NETWORK_WORDS[fault.rung]
    if fault.ladder is not None:
        what, action = fault.ladder.seen, f"{fault.ladder.ask[:1].upper()}{fault.ladder.ask[1:]}."
    where = f" at {fault.host}" if fault.host else ""
    return Words(f"{system}{where} is not reachable: {what}.", Move.CUSTOMER, action)


def _rung(fault: ActiveFault) -> LadderRung | None:
    if fault.fault is not Fault.NETWORK or fault.objects:
        return None
    if fault.ladder is not None:
        return fault.ladder.rung
    return next((rung for rung in LadderRung if rung.value == fault.rung), None)


def _limit(fault: ActiveFault, system: str) -> Words:
    if fault.code in LOCKING:
        return Words(
            f"{system} lets this user not log in for a while, after too many wrong passwords.",
            Move.CUSTOMER,
            "Find out who else logs in with this user; a user of its own for this connection avoids it. "
            "We try again by ourselves.",
        )
    return Words(
        f"{system} asked us to make fewer calls. Reading goes on when it allows it.",
        Move.NOBODY,
        "Nothing has to be done. If it happens often, sync less often or raise the limit there.",
    )


def _platform(fault: ActiveFault, system: str) -> Words:
    if fault.ordered_by:
        return Words(
            f"{fault.ordered_by} stopped the calls to {_list(fault.objects) or system}: {fault.reason}",
            Move.OPERATOR,
            "The calls go on when the time of the stop is over, or when it is lifted.",
        )
    if fault.ours:
        return Words(
            f"We reach neither {system} nor other systems: our own network lets no calls through.",
            Move.OPERATOR,
            OWN_NETWORK_ACTION,
        )
    return Words(
        "Our own service has a fault that touches this connection.",
        Move.OPERATOR,
        "The operator looks into the logs of the connector.",
    )


def _permission(fault: ActiveFault, system: str) -> Words:
    if fault.scope is Scope.ALL and fault.confidence == "low":
        return Words(
            f"{system} refuses everything that is asked for{_naming(fault.objects)}, and does not say "
            "whether the account lost its rights or is not accepted at all.",
            Move.CUSTOMER,
            f"An administrator of {system} looks whether the account is active and has its rights. If its "
            "password or key was changed, open the reconnect link.",
        )
    if fault.scope is Scope.FIELD:
        return Words(
            f"{system} does not let this account see {_list(fault.fields)}.",
            Move.CUSTOMER,
            f"An administrator of {system} gives the account the right to {_list(fault.fields)}, or the "
            "mapping leaves it out.",
        )
    right = "write" if fault.operations == (Operation.WRITE,) else "read"
    if fault.scope is Scope.ALL:
        return Words(
            f"The credentials work, but {system} does not let this account {right} anything that is needed"
            f"{_naming(fault.objects)}.",
            Move.CUSTOMER,
            f"An administrator of {system} gives the account its rights back, or makes it active again.",
        )
    return Words(
        f"{system} does not let this account {right} {_list(fault.objects)}. The credentials work, and "
        "everything else goes on.",
        Move.CUSTOMER,
        f"An administrator of {system} gives the account the right to {right} {_list(fault.objects)}. "
        "Nothing has to be reconnected.",
    )


def _configuration(fault: ActiveFault, system: str) -> Words:
    if not fault.objects:
        return Words(
            f"{system} answers, but not as the settings of this connection expect.",
            Move.VENDOR,
            "Check the address and the settings of the connection, and whether the system was moved or "
            "renamed.",
        )
    if fault.scope is Scope.ALL:
        return Words(
            f"{system} answers, but knows nothing of what this connection reads{_naming(fault.objects)}.",
            Move.VENDOR,
            "Check whether the address, the database or the client in the settings is still the right one, "
            "and whether the system was upgraded or moved.",
        )
    if fault.scope is Scope.FIELD:
        return Words(
            f"{system} does not know {_list(fault.fields)} any more.",
            Move.VENDOR,
            f"Check whether {_list(fault.fields)} was renamed or removed in {system}, and adjust the "
            "mapping.",
        )
    return Words(
        f"{system} does not know {_list(fault.objects)}, or not in the form that was asked for. Everything "
        "else goes on.",
        Move.VENDOR,
        f"Check whether {_list(fault.objects)} was renamed, removed or changed in {system}, and adjust the "
        "mapping.",
    )


def _only(fault: ActiveFault) -> str:
    return f" This touches {_list(fault.objects)} only; everything else goes on." if fault.objects else ""


def _naming(objects: tuple[str, ...]) -> str:
    return f": {_list(objects)}" if objects else ""


def _list(objects: tuple[str, ...]) -> str:
    shown = ", ".join(objects[:NAMED_OBJECTS])
    more = len(objects) - NAMED_OBJECTS
    return f"{shown} and {more} more" if more > 0 else shown
