"""What a customer is told when their credentials could not be verified: what to do, in their words."""

from collections.abc import Mapping
from dataclasses import dataclass

from lineshaft.common.events.commands import CommandProblem
from lineshaft.common.outcomes import Outcome, Rung


@dataclass(frozen=True, slots=True)
class Advice:
    summary: str
    action: str
    field: str | None = None


_BY_CODE: Mapping[str, Advice] = {
    Outcome.CREDENTIALS_REJECTED: Advice(
        "{label} did not accept these credentials.",
        "Check each of them for typing errors. If they are right, ask whoever looks after {label} whether the"
        " account is locked or its password has expired.",
    ),
    Outcome.ACCOUNT_MISMATCH: Advice(
        "These credentials belong to another account than the one that was connected before.",
        "Use the account that was connected before. To connect another one, ask for a new connection.",
    ),
    Outcome.PERMISSION_DENIED: Advice(
        "{label} accepted the credentials, but this account may not do what is needed.",
        "Ask whoever looks after {label} to give the account the permissions, then try again.",
    ),
    Outcome.RATE_LIMITED: Advice(
        "{label} takes no more requests for the moment.", "Wait a few minutes, then try again."
    ),
    Outcome.UNREACHABLE: Advice(
        "{label} could not be reached.",
        "Check the address. If it is right, ask your IT team whether it can be reached from outside.",
    ),
    Outcome.SOURCE_ERROR: Advice(
        "{label} answered with an error of its own.",
        "Try again in a few minutes. If it stays, tell whoever looks after {label}.",
    ),
    Outcome.CONFIGURATION_ERROR: Advice(
        "{label} was reached, but not with these settings.",
        "Check the address and the other settings, for example the name of the database.",
    ),
    "conflict": Advice(
        "Somebody else connected this account at the same moment.",
        "Nothing is left to do if that was you; otherwise try again.",
    ),
}

_BY_CODE_OF_CONSENTS: Mapping[str, Advice] = {
    Outcome.CREDENTIALS_REJECTED: Advice(
        "{label} did not complete the login.",
        "Start again. If it stays, ask whoever looks after {label} whether your account may be connected.",
    ),
    Outcome.ACCOUNT_MISMATCH: Advice(
        "You were logged in to {label} with another account than the one that was connected before.",
        "Log out of {label}, then start again with the account that was connected before. To connect another"
        " one, ask for a new connection.",
    ),
    Outcome.CONFIGURATION_ERROR: Advice(
        "{label} did not accept us.",
        "Tell the people who sent you this link: their registration with {label} has to be checked.",
    ),
}
"""Where the customer logs in with the system itself and types no credentials here."""

_BY_RUNG = {
    Rung.DNS: Advice(
        "The address of {label} is not known in the network.",
        "Check the address for typing errors. If it is right, it is perhaps known only inside your company:"
        " ask your IT team for the one that works from outside.",
    ),
    Rung.TCP: Advice(
        "Nothing answers at the address of {label}.",
        "Check the address and the port. If they are right, ask your IT team whether a firewall is between.",
    ),
    Rung.TLS: Advice(
        "No secure connection to {label} could be made.",
        "Ask your IT team to check its certificate, and whether the address has to begin with https.",
    ),
    Rung.PROXY: Advice(
        "The way to {label} leads over a proxy that did not let us through.",
        "Ask your IT team to allow it there.",
    ),
    Rung.TIMEOUT: Advice(
        "{label} did not answer in time.",
        "Try again. If it stays, ask your IT team whether a firewall is between.",
    ),
}

_OTHER = Advice(
    "The credentials could not be verified.",
    "Try again. If it stays, tell the people who sent you this link.",
)


def advice_for(problem: CommandProblem, label: str, *, consents: bool = False) -> Advice:
    """`label` is the name of the source system as people know it."""
    if problem.code == "conflict":
        advice = _BY_CODE["conflict"]
    else:
        outcome = problem.outcome or problem.code
        advice = _BY_CODE.get(outcome, _OTHER)
        if consents:
            advice = _BY_CODE_OF_CONSENTS.get(outcome, advice)
        if outcome == Outcome.UNREACHABLE and problem.rung is not None:
            advice = _BY_RUNG.get(problem.rung, advice)
    return Advice(advice.summary.format(label=label), advice.action.format(label=label), field=problem.field)
