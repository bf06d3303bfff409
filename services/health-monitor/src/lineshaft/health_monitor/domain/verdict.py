"""From a fault to words: what is wrong, whose move it is and what to do, for a customer's administrator."""

from typing import NamedTuple, assert_never

from lineshaft.common.events.health import Verdict
from lineshaft.common.outcomes import Fault, Move, Operation, Rung, Scope
from lineshaft.health_monitor.domain.faults import ActiveFault

NAMED_OBJECTS = 5

NETWORK_WORDS: dict[Rung | None, tuple[str, str]] = {
    Rung.DNS: (
        "its host name does not resolve",
        "Check the address of the system and, where it is internal, the DNS of the network we call from.",
    ),
    Rung.TCP: (
        "its port does not accept connections",
        "Check that the system runs, and that the firewall lets our calls to this host and port through.",
    ),
    Rung.TLS: (
        "no secure connection can be made with it",
        "Check the certificate of the system: its end date, its host name and its chain.",
    ),
    Rung.PROXY: (
        "the proxy in between refuses the connection",
        "Check that the proxy allows connections to this host and port.",
    ),
    Rung.TIMEOUT: (
        "it does not answer in time",
        "Check the load of the system, and for a firewall that drops packets silently.",
    ),
    Rung.HTTP: (
        "what answers does not speak the expected protocol",
        "Check the address of the system, and for a login or error page of a proxy in between.",
    ),
    None: ("it cannot be reached", "Check that the system runs and can be reached from our network."),
}


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
        operations=list(fault.operations),
        confidence=fault.confidence,
        summary=words.summary,
        move=words.move,
        action=words.action,
        evidence=list(fault.evidence),
    )


def _words(fault: ActiveFault, system: str) -> Words:  # noqa: PLR0911  one answer per fault
    match fault.fault:
        case Fault.CREDENTIALS:
            return Words(
                f"{system} no longer accepts the credentials of this connection. Nothing is read or written "
                "until it is reconnected.",
                Move.CUSTOMER,
                "Open the reconnect link and enter the current credentials. Nothing else has to be set up "
                "again.",
            )
        case Fault.PERMISSION:
            return _permission(fault, system)
        case Fault.CONFIGURATION:
            return _configuration(fault, system)
        case Fault.NETWORK:
            what, action = NETWORK_WORDS[fault.rung]
            where = f" at {fault.host}" if fault.host else ""
            return Words(f"{system}{where} is not reachable: {what}.{_only(fault)}", Move.CUSTOMER, action)
        case Fault.SOURCE_DOWN:
            return Words(
                f"{system} answers with errors of its own.{_only(fault)}",
                Move.SOURCE_VENDOR,
                f"Whoever runs {system} looks into its log; we try again by ourselves and go on when it "
                "works.",
            )
        case Fault.SOURCE_RATE_LIMIT:
            return Words(
                f"{system} asked us to make fewer calls. Reading goes on when it allows it.",
                Move.NOBODY,
                "Nothing has to be done. If it happens often, sync less often or raise the limit there.",
            )
        case Fault.PLATFORM:
            return Words(
                "Our own service has a fault that touches this connection.",
                Move.OPERATOR,
                "The operator looks into the logs of the connector.",
            )
        case _:
            assert_never(fault.fault)


def _permission(fault: ActiveFault, system: str) -> Words:
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
