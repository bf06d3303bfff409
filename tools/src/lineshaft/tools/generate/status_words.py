"""What each word of the status document means, for whoever has to act on it."""

from collections.abc import Mapping
from typing import NamedTuple

from lineshaft.common.outcomes import (
    ConnectionStatus,
    Fault,
    Grant,
    LadderRung,
    Move,
    NeededBy,
    Outcome,
    RungStatus,
    Scope,
)


class Entry(NamedTuple):
    meaning: str
    move: str
    remedy: str
    meanwhile: str


STATES: Mapping[ConnectionStatus, Entry] = {
    ConnectionStatus.PENDING: Entry(
        "Connected, or connected again, and nothing has been heard of the new credentials yet.",
        "nobody",
        "Wait for the first sync.",
        "Reads and writes go on as usual.",
    ),
    ConnectionStatus.HEALTHY: Entry(
        "Nothing is known to be wrong.",
        "nobody",
        "None.",
        "A connection that is quiet for a day (`LINESHAFT_QUIET_PROBE_HOURS`) is probed once.",
    ),
    ConnectionStatus.DEGRADED: Entry(
        "Some objects or operations do not work; everything else does. The verdict names them.",
        "as the verdict says",
        "What the verdict says; nothing has to be reconnected.",
        "The objects at fault are left alone, for a minute at first and up to an hour"
        " (`LINESHAFT_DENIED_RETRY_SECONDS`, `LINESHAFT_DENIED_LONGEST_SECONDS`); the others are read. Writes"
        " to an object that is left alone answer 503 with `Retry-After`.",
    ),
    ConnectionStatus.REAUTHORIZATION_REQUIRED: Entry(
        "The source refuses the credentials.",
        "customer",
        "Open `reauthorize_url` and enter the secret; it has to be the same account.",
        "The source is not called. Data is answered from the store with `meta.data_as_of`; writes and syncs"
        " answer 409 `reauthorization_required`; reads that were under way go on from their cursors"
        " afterwards.",
    ),
    ConnectionStatus.UNREACHABLE: Entry(
        "The source as a whole cannot be reached, or answers nothing but errors.",
        "customer, or whoever runs the source",
        "Where it is the network, ask for what the network ladder says; see"
        " [Diagnose a connection](../howto/diagnose.md).",
        "The breaker is open: one probe after 30 s, then less and less often, up to every 15 min"
        " (`LINESHAFT_BREAKER_OPEN_SECONDS`, `LINESHAFT_BREAKER_LONGEST_SECONDS`). Where it is the network,"
        " the ladder is climbed once. Data is answered from the store; writes answer 503 with `Retry-After`."
        " It is announced when it lasts longer than `LINESHAFT_HOLD_SECONDS`.",
    ),
    ConnectionStatus.RATE_LIMITED: Entry(
        "The source asked for fewer calls.",
        "nobody",
        "None. If it happens often, sync less often, or raise the limit at the source.",
        "The source is not called before the time that it named, a minute where it named none.",
    ),
    ConnectionStatus.PAUSED: Entry(
        "Somebody paused the connection.",
        "vendor",
        "`POST /v1/connections/{id}/resume`.",
        "The source is not called. Writes and syncs answer 409.",
    ),
    ConnectionStatus.DISCONNECTED: Entry(
        "The connection was ended.",
        "vendor",
        "Connect it again, with a link session of its id, if it is wanted.",
        "The source is not called, and its credentials are forgotten. Issues are closed.",
    ),
}

FAULTS: Mapping[Fault, Entry] = {
    Fault.CREDENTIALS: Entry(
        "The source refuses the credentials themselves.",
        "customer",
        "Reconnect.",
        "One login was refused, and no other is made. Where credentials of several connections of a system"
        " were refused within ten minutes, they are tried once more (`LINESHAFT_CONFIRM_MINUTES`).",
    ),
    Fault.PERMISSION: Entry(
        "The credentials work, and the account may not do this.",
        "customer",
        "An administrator of the source gives the account the right to what the verdict names.",
        "What is forbidden is tried again after a minute, then less and less often.",
    ),
    Fault.CONFIGURATION: Entry(
        "An object, a field or the address is not what it was when the connection was set up.",
        "vendor",
        "Adjust the mapping or the settings to what the source has now.",
        "What is not known is tried again after a minute, then less and less often.",
    ),
    Fault.NETWORK: Entry(
        "The source cannot be reached: DNS, TCP, TLS, a proxy, or no answer in time.",
        "customer",
        "Send the text of the failed rung to the network team.",
        "The breaker opens after three failures in a row (`LINESHAFT_BREAKER_FAILURES`).",
    ),
    Fault.SOURCE_RATE_LIMIT: Entry(
        "The source asked for fewer calls, or has locked the login for a while.",
        "nobody, or customer where the login is locked",
        "None; an account of its own for this connection where others lock it.",
        "The source is not called before the time that it named.",
    ),
    Fault.SOURCE_DOWN: Entry(
        "The source is reached, and answers with errors of its own.",
        "source_vendor",
        "Whoever runs the source looks into its log.",
        "As with a network fault.",
    ),
    Fault.PLATFORM: Entry(
        "An operator stopped the calls, our own network is out (hosts of several systems are out of reach"
        " together), or our own service has a fault.",
        "operator",
        "The stop ends at its time, or is lifted with `POST /v1/connections/{id}/breaker`; else none.",
        "What was stopped is not called; as with a network fault where it is our own.",
    ),
}

SCOPES: Mapping[Scope, str] = {
    Scope.ALL: "Everything of the connection.",
    Scope.ENTITIES: "The objects that `objects` names.",
    Scope.OPERATION: "One way only: the objects can be read and not written.",
    Scope.FIELD: "The fields that `fields` names, of objects that work otherwise.",
}

MOVES: Mapping[Move, str] = {
    Move.CUSTOMER: "The customer: an administrator of the source, or their network team.",
    Move.VENDOR: "You: settings, mapping, or the life of the connection.",
    Move.SOURCE_VENDOR: "Whoever runs or makes the source.",
    Move.OPERATOR: "Whoever runs Lineshaft.",
    Move.NOBODY: "It passes by itself.",
}

OUTCOMES: Mapping[Outcome, str] = {
    Outcome.OK: "What was asked for was done.",
    Outcome.CREDENTIALS_REJECTED: "A fresh login, or the key, was refused.",
    Outcome.PERMISSION_DENIED: "The account may not do this.",
    Outcome.RATE_LIMITED: "The source asks for a pause; `retry_at` says until when.",
    Outcome.UNREACHABLE: "No answer of the source: the rung that failed is named.",
    Outcome.SOURCE_ERROR: "An error of the source's own, or an answer that cannot be used.",
    Outcome.CONFIGURATION_ERROR: "The source does not know the object, the field, or the address.",
    Outcome.INVALID_REQUEST: "The source refuses this one record or request; says nothing of the connection.",
    Outcome.ACCOUNT_MISMATCH: "The credentials belong to another account; nothing was saved.",
}

RUNGS: Mapping[LadderRung, str] = {
    LadderRung.DNS: "The name of the host resolves. Left out for an address that is a number.",
    LadderRung.TCP: "A connection to one of its addresses stands. An address that the operator does not"
    " allow is not dialled, and fails here.",
    LadderRung.TLS: "The certificate is valid, trusted, and for this name; the chain is shown. Databases are"
    " asked for TLS in their own way first.",
    LadderRung.PROXY: "No proxy in between keeps the call back (HTTP only).",
    LadderRung.HTTP: "A request without credentials gets an answer of HTTP (HTTP only).",
    LadderRung.AUTH: "One call that proves the credentials. Not made with credentials that were refused.",
    LadderRung.OBJECT: "One record of an object is read. Not while the breaker is open.",
}

RUNG_STATES: Mapping[RungStatus, str] = {
    RungStatus.OK: "It holds.",
    RungStatus.FAILED: "The ladder stops here; `ask` holds what to ask whom for.",
    RungStatus.SKIPPED: "It was not tried; `seen` says why.",
}

NEEDS: Mapping[NeededBy, str] = {
    NeededBy.MAPPING: "An entity is made of the object.",
    NeededBy.SCHEDULE: "The object is read by itself.",
    NeededBy.WRITES: "Only who writes it through the unified model needs it; nobody is alarmed.",
}

GRANTS: Mapping[Grant, str] = {
    Grant.GRANTED: "The account may.",
    Grant.DENIED: "It may not: calls of this kind will fail.",
    Grant.UNKNOWN: "The source does not tell.",
}
