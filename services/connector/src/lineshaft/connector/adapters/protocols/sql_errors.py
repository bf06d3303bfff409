"""What a database's error, or the lack of an answer, comes to."""

import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lineshaft.common.http.addresses import ForbiddenAddressError
from lineshaft.common.outcomes import Outcome, Rung
from lineshaft.connector.adapters.protocols.sql_addresses import NameNotResolvedError, TlsNotOfferedError
from lineshaft.connector.adapters.protocols.sql_dialect import Fault, Finding
from lineshaft.connector.domain.certificate_faults import tls_fault

UNKNOWN = Finding(Outcome.SOURCE_ERROR, "low")

SQLSTATE_CLASSES: Mapping[str, Finding] = {
    "08": Finding(Outcome.UNREACHABLE, rung=Rung.HTTP),
    "22": Finding(Outcome.INVALID_REQUEST),
    "23": Finding(Outcome.INVALID_REQUEST),
    "28": Finding(Outcome.CREDENTIALS_REJECTED, "medium"),
    "40": Finding(Outcome.SOURCE_ERROR),
    "42": Finding(Outcome.INVALID_REQUEST, "medium"),
    "53": Finding(Outcome.SOURCE_ERROR),
    "57": Finding(Outcome.SOURCE_ERROR),
    "58": Finding(Outcome.SOURCE_ERROR),
    "XX": Finding(Outcome.SOURCE_ERROR),
}
"""ISO 9075 and PostgreSQL's appendix A; what a dialect lists by its full code comes first."""


@dataclass(frozen=True, slots=True)
class Meaning:
    finding: Finding
    code: str
    message: str


def meaning_of(fault: Fault, codes: Mapping[str, Finding]) -> Meaning:
    finding = codes.get(fault.code) or SQLSTATE_CLASSES.get((fault.sqlstate or "")[:2], UNKNOWN)
    return Meaning(finding, finding.name or fault.code, fault.message)


def meaning_without_answer(error: BaseException) -> Meaning:
    """Of an exception that is no answer of the database."""
    causes = tuple(_causes(error))
    words = next((text for cause in reversed(causes) if (text := str(cause))), type(error).__name__)
    for kinds, outcome, rung, code in _MEANINGS:
        for cause in causes:
            if isinstance(cause, kinds):
                return Meaning(Finding(outcome, rung=rung), code or tls_fault(cause), words)
    return Meaning(Finding(Outcome.UNREACHABLE, "medium", Rung.HTTP), "connection_cut", words)


_MEANINGS: tuple[tuple[tuple[type[BaseException], ...], Outcome, Rung | None, str | None], ...] = (
    ((ForbiddenAddressError,), Outcome.CONFIGURATION_ERROR, None, "address_not_allowed"),
    ((NameNotResolvedError, socket.gaierror), Outcome.UNREACHABLE, Rung.DNS, "name_not_resolved"),
    ((TlsNotOfferedError,), Outcome.UNREACHABLE, Rung.TLS, "tls_not_offered"),
    ((ssl.SSLError, ssl.CertificateError), Outcome.UNREACHABLE, Rung.TLS, None),
    ((ConnectionRefusedError,), Outcome.UNREACHABLE, Rung.TCP, "connection_refused"),
    ((ConnectionResetError, BrokenPipeError, EOFError), Outcome.UNREACHABLE, Rung.HTTP, "connection_cut"),
    ((TimeoutError,), Outcome.UNREACHABLE, Rung.TIMEOUT, "no_answer_in_time"),
)
"""Of TLS the failure itself says which code it is."""


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__
