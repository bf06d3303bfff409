"""What a failed rung says, and the text that the team needs whose move it is."""

from dataclasses import dataclass
from datetime import datetime

from lineshaft.common.events.diagnoses import Certificate
from lineshaft.common.outcomes import Outcome, Rung
from lineshaft.connector.domain.certificate_faults import certificate_fault
from lineshaft.connector.domain.evidence import Evidence
from lineshaft.connector.domain.gate import Decision, Reason
from lineshaft.connector.domain.ladder import Failure


@dataclass(frozen=True, slots=True)
class Way:
    """From our host to the source, as far as it is known."""

    host: str
    port: int
    address: str | None = None
    source: str | None = None

    @property
    def place(self) -> str:
        return f"{self.host}:{self.port}" if self.host else ""

    @property
    def to(self) -> str:
        return f"{self.host} ({self.address})" if self.address and self.address != self.host else self.host

    @property
    def origin(self) -> str:
        return self.source or "the host of Lineshaft's connector"

    @property
    def opening(self) -> str:
        return f"open TCP {self.port} from {self.origin} to {self.to}"


def name_not_resolved(way: Way, words: str) -> Failure:
    return Failure(
        "name_not_resolved",
        f"{way.host} does not resolve: {words}",
        f"make the name {way.host} resolve for the host of Lineshaft's connector, or give the address that"
        " does; a name that is known inside a company only needs that company's DNS server",
    )


def address_not_allowed(words: str) -> Failure:
    return Failure(
        "address_not_allowed",
        f"not dialled: {words}",
        "the operator of Lineshaft allows this network for the connection (private_networks of its network"
        " settings) or for all of them (LINESHAFT_ALLOWED_NETWORKS), or the connection gets a public address",
    )


def invalid_address(words: str) -> Failure:
    return Failure("invalid_address", words, "correct the address in the settings of the connection")


def not_connected(way: Way, error: BaseException) -> Failure:
    if isinstance(error, ConnectionRefusedError):
        return Failure(
            "connection_refused",
            f"{way.to} refused TCP {way.port}",
            f"{way.opening}: the connection is refused. Either nothing listens on that port, or a firewall"
            " rejects it",
        )
    if isinstance(error, TimeoutError):
        return Failure(
            "connect_timeout",
            f"no answer from {way.to} on TCP {way.port}",
            f"{way.opening}: packets get no answer. A firewall that drops them looks like this, and so does a"
            " host that is off",
        )
    return Failure(
        "no_route",
        f"no way to {way.to}: {error}",
        f"{way.opening}: there is no route, or it is closed on the way",
    )


def not_trusted(way: Way, number: int, words: str, shown: Certificate | None) -> Failure:
    code = certificate_fault(number)
    at = f"{way.to} on TCP {way.port}"
    subject = shown.subject if shown else "its certificate"
    match code:
        case "certificate_expired" if shown:
            return Failure(
                code,
                f"the certificate {subject} ended on {_day(shown.not_after)}",
                f"renew the certificate of {at}: it ended on {_day(shown.not_after)}",
            )
        case "certificate_not_yet_valid" if shown:
            return Failure(
                code,
                f"the certificate {subject} begins on {_day(shown.not_before)} only",
                f"check the clock of {at} and of Lineshaft's host; the certificate is valid from"
                f" {_day(shown.not_before)} on",
            )
        case "certificate_self_signed":
            return Failure(
                code,
                f"the certificate {subject} is self-signed",
                f"give {at} a certificate from a certificate authority that is publicly trusted, or let the"
                f" connection trust it (ca_certificate of its network); {subject} has signed itself",
            )
        case "certificate_unknown_issuer":
            issuer = shown.issuer if shown else "an unknown issuer"
            return Failure(
                code,
                f"the certificate {subject} is from {issuer}: not trusted, or the chain is not whole",
                f"let {at} send its whole chain, with a certificate from an authority that is publicly"
                " trusted, or that the connection trusts (ca_certificate of its network); it is from"
                f" {issuer} now. If a proxy opens TLS in between, exempt {way.host}"
                " from that",
            )
        case "certificate_wrong_name":
            names = ", ".join(shown.names[:5]) if shown and shown.names else subject
            return Failure(
                code,
                f"the certificate is for {names}, not for {way.host}",
                f"give {at} a certificate for {way.host}, or connect by a name that it is for: {names}",
            )
        case _:
            return Failure(code, f"the certificate is not trusted: {words}", f"check the certificate of {at}")


def no_tls(way: Way, error: BaseException) -> Failure:
    if isinstance(error, TimeoutError):
        return Failure(
            "tls_timeout",
            f"{way.to} accepts TCP {way.port} and then says nothing",
            f"let TLS through from {way.origin} to {way.to} on TCP {way.port}: the port accepts connections,"
            " but the handshake gets no answer. A firewall or a load balancer in front that cannot reach its"
            " server looks like this",
        )
    if isinstance(error, ConnectionError | EOFError):
        return Failure(
            "tls_cut",
            f"{way.to} ends the connection during the TLS handshake",
            f"let TLS through from {way.origin} to {way.to} on TCP {way.port}: the connection is ended during"
            " the handshake, by the server or by a firewall that inspects it",
        )
    return Failure(
        "tls_failed",
        f"no TLS with {way.to} on TCP {way.port}: {error}",
        f"check that TCP {way.port} of {way.to} speaks TLS 1.2 or later; if it speaks plain text, correct the"
        " address or the setting for TLS",
    )


def tls_not_offered(way: Way) -> Failure:
    return Failure(
        "tls_not_offered",
        f"{way.to} does not offer TLS on TCP {way.port}",
        f"switch on TLS in the database server {way.to}, or choose another setting for TLS where the network"
        " between is trusted",
    )


def no_tunnel(way: Way, source: str, seen: str) -> Failure:
    """`way` leads to the proxy."""
    return Failure(
        "tunnel_refused",
        f"the proxy {way.host}:{way.port} opens no way to {source}: {seen}",
        f"let {way.origin} reach {source} through the proxy {way.host}:{way.port}, with the user and password"
        " that are set for this connection",
    )


def proxy_in_between(way: Way, seen: str) -> Failure:
    return Failure(
        "proxy_refused",
        seen,
        f"let calls from {way.origin} to {way.host} on TCP {way.port} pass the proxy in between, without a"
        " log-on of its own",
    )


def no_http(way: Way, code: str, seen: str) -> Failure:
    return Failure(
        code,
        seen,
        f"let HTTP through from {way.origin} to {way.to} on TCP {way.port}, and check that the system itself"
        " runs behind it: the connection stands, but no proper answer comes",
    )


def of_evidence(way: Way, label: str, evidence: Evidence) -> Failure:
    """Of a call that was made with the credentials."""
    code = evidence.code or str(evidence.outcome)
    seen = evidence.message or code
    if evidence.http_status is not None:
        seen = f"HTTP {evidence.http_status}: {seen}"
    if evidence.rung is Rung.PROXY:
        return proxy_in_between(way, seen)
    if evidence.outcome is Outcome.UNREACHABLE:
        return no_http(way, code, seen)
    if code == "html_for_json":
        return Failure(
            code,
            f"a page of HTML in place of data ({seen})",
            f"check what answers for {way.host}: a log-on page, an error page of a proxy in between, or"
            f" an address that is not the interface of {label}",
        )
    ask = _ASKED[evidence.outcome]
    if evidence.outcome is Outcome.CONFIGURATION_ERROR and evidence.object is not None:
        ask = "check whether {object} was renamed or removed in {label}, and adjust the mapping"
    return Failure(code, seen, ask.format(label=label, object=evidence.object or "what is needed"))


_ASKED = {
    Outcome.CREDENTIALS_REJECTED: "reconnect {label} with credentials that it accepts",
    Outcome.ACCOUNT_MISMATCH: "reconnect {label} with the account that was connected before",
    Outcome.PERMISSION_DENIED: (
        "an administrator of {label} gives the account of this connection the right to read {object}"
    ),
    Outcome.RATE_LIMITED: "nothing has to be done: {label} asks for a pause",
    Outcome.SOURCE_ERROR: "whoever runs {label} looks into its log: it answers with an error of its own",
    Outcome.CONFIGURATION_ERROR: (
        "check the address and the settings of this connection: {label} is not what answers there"
    ),
    Outcome.INVALID_REQUEST: (
        "report this to the operator of Lineshaft: {label} did not understand the request"
    ),
}


def why_not_called(decision: Decision) -> str:
    match decision.reason:
        case Reason.CREDENTIALS_REJECTED:
            return (
                "the credentials were refused; they are not tried again before the connection is reconnected"
            )
        case Reason.NO_CREDENTIALS:
            return "there are no credentials"
        case Reason.RATE_LIMITED:
            until = f" until {decision.until:%Y-%m-%d %H:%M:%S} UTC" if decision.until else ""
            return f"the source asked not to be called{until}"
        case _:
            return f"the connection is {decision.reason}"


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"
