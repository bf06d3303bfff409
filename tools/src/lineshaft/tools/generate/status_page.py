from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar

from lineshaft.common.outcomes import Fault, Operation, Rung, Scope
from lineshaft.health_monitor.domain.faults import ActiveFault
from lineshaft.health_monitor.domain.verdict import verdict
from lineshaft.health_monitor.domain.wording import CREDENTIAL_WORDS, LOCKING, NETWORK_WORDS
from lineshaft.tools.generate.markdown import page, table
from lineshaft.tools.generate.status_words import (
    FAULTS,
    GRANTS,
    MOVES,
    NEEDS,
    OUTCOMES,
    RUNG_STATES,
    RUNGS,
    SCOPES,
    STATES,
    Entry,
)

SYSTEM = "Tryton"
SINCE = datetime(2026, 1, 1, tzinfo=UTC)
READ, WRITE = (Operation.READ,), (Operation.WRITE,)
PARTIES = ("party.party",)

Member = TypeVar("Member", bound=StrEnum)


def status_page() -> str:
    return page(
        "Status",
        "What `GET /v1/connections/{id}/status`, webhooks and the support bundle say, and what to do about"
        " it. `status` tells how a connection is; `verdict` what is wrong, where, whose move it is and what"
        " to do.",
        "## States",
        _entries("Status", STATES),
        "## Faults",
        _entries("`verdict.fault`", FAULTS),
        "## Scopes",
        _words("`verdict.scope`", SCOPES),
        "## Whose move",
        _words("`verdict.move`", MOVES),
        "`verdict.confidence` is `low` where the source answers alike for different causes and nothing has"
        " decided between them yet, `medium` where another call speaks for it, `high` otherwise.",
        "## Verdicts",
        f"As they read for a connection to {SYSTEM}.",
        table(["Fault", "Scope", "Move", "`summary`", "`action`"], map(_verdict_row, examples())),
        "## Rights and the end of credentials",
        "`permissions` compares what is needed of the source with what it grants, by object and verb: it"
        " names what will fail before it does, and changes neither `status` nor `verdict`. It is asked when a"
        " connection is made or gets new credentials, when a mapping or a schedule changes, after a refusal,"
        " and once a day (`LINESHAFT_ACCESS_CHECK_HOURS`). `fields` names what is refused where it is not the"
        " whole object.",
        _words("`needed_by`", NEEDS),
        _words("`granted`", GRANTS),
        "`credentials_expire_at` is when the credentials end, null where nobody knows or they do not. It is"
        " said 14, 7 and 1 days before (`LINESHAFT_EXPIRY_WARNING_DAYS`).",
        "## The network ladder",
        "`POST /v1/connections/{id}/diagnose` climbs it; see [Diagnose a connection](../howto/diagnose.md).",
        _words("Rung", RUNGS),
        _words("`status` of a rung", RUNG_STATES),
        "## Outcomes of calls",
        "In the error log and as evidence of a verdict.",
        _words("`outcome`", OUTCOMES),
    )


def examples() -> Iterable[ActiveFault]:
    """Every wording of a verdict."""
    for code in CREDENTIAL_WORDS:
        yield ActiveFault(Fault.CREDENTIALS, Scope.ALL, SINCE, code=code)
    yield ActiveFault(Fault.PERMISSION, Scope.ENTITIES, SINCE, PARTIES, READ)
    yield ActiveFault(Fault.PERMISSION, Scope.OPERATION, SINCE, PARTIES, WRITE)
    yield ActiveFault(Fault.PERMISSION, Scope.FIELD, SINCE, PARTIES, READ, fields=("party.party.code",))
    yield ActiveFault(Fault.PERMISSION, Scope.ALL, SINCE, PARTIES, READ)
    yield ActiveFault(Fault.PERMISSION, Scope.ALL, SINCE, PARTIES, READ, confidence="low")
    yield ActiveFault(Fault.CONFIGURATION, Scope.ENTITIES, SINCE, PARTIES, READ)
    yield ActiveFault(Fault.CONFIGURATION, Scope.FIELD, SINCE, PARTIES, READ, fields=("party.party.code",))
    yield ActiveFault(Fault.CONFIGURATION, Scope.ALL, SINCE, PARTIES, READ)
    yield ActiveFault(Fault.CONFIGURATION, Scope.ALL, SINCE)
    for rung in NETWORK_WORDS:
        yield ActiveFault(Fault.NETWORK, Scope.ALL, SINCE, rung=rung, host="erp.example.com:443")
    yield ActiveFault(Fault.NETWORK, Scope.ENTITIES, SINCE, PARTIES, READ, rung=Rung.TIMEOUT)
    yield ActiveFault(Fault.SOURCE_DOWN, Scope.ALL, SINCE)
    yield ActiveFault(Fault.SOURCE_DOWN, Scope.ENTITIES, SINCE, PARTIES, READ)
    yield ActiveFault(Fault.SOURCE_RATE_LIMIT, Scope.ALL, SINCE)
    for code in sorted(LOCKING):
        yield ActiveFault(Fault.SOURCE_RATE_LIMIT, Scope.ALL, SINCE, code=code)
    yield ActiveFault(Fault.PLATFORM, Scope.ALL, SINCE)
    yield ActiveFault(Fault.PLATFORM, Scope.ALL, SINCE, ours=True)
    yield ActiveFault(Fault.PLATFORM, Scope.ALL, SINCE, ordered_by="key_1", reason="maintenance")


def _verdict_row(fault: ActiveFault) -> list[str]:
    found = verdict(fault, SYSTEM)
    return [f"`{found.fault}`", f"`{found.scope}`", f"`{found.move}`", found.summary, found.action]


def _entries(title: str, entries: Mapping[Member, Entry]) -> str:
    return table(
        [title, "Meaning", "Whose move", "Remedy", "What Lineshaft does meanwhile"],
        [[f"`{name}`", *entry] for name, entry in entries.items()],
    )


def _words(title: str, words: Mapping[Member, str]) -> str:
    return table([title, "Meaning"], [[f"`{name}`", meaning] for name, meaning in words.items()])
