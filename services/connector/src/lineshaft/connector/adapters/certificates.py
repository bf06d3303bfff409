"""Certificates as a server sends them, trusted or not."""

import ssl
from collections.abc import Sequence

from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from lineshaft.common.events.diagnoses import Certificate

MOST_NAMES = 20


def untrusting(context: ssl.SSLContext) -> ssl.SSLContext:
    """A context that takes any certificate, to look at it; nothing secret is ever sent through it."""
    looking = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    looking.minimum_version = context.minimum_version
    looking.check_hostname = False
    looking.verify_mode = ssl.CERT_NONE
    return looking


def chain_of(connection: ssl.SSLObject) -> list[Certificate]:
    """The server's own first, then its issuers as far as it sent them."""
    return [shown for encoded in _encoded(connection) if (shown := _shown(encoded)) is not None]


def _encoded(connection: ssl.SSLObject) -> Sequence[bytes]:
    # public from Python 3.13 on; before, the chain is known to the object inside alone
    inner = getattr(connection, "_sslobj", None)
    if inner is not None and hasattr(inner, "get_unverified_chain"):
        return [ssl.PEM_cert_to_DER_cert(one.public_bytes()) for one in inner.get_unverified_chain() or ()]
    own = connection.getpeercert(binary_form=True)
    return [own] if own else []


def _shown(encoded: bytes) -> Certificate | None:
    try:
        found = x509.load_der_x509_certificate(encoded)
        return Certificate(
            subject=found.subject.rfc4514_string(),
            issuer=found.issuer.rfc4514_string(),
            names=_names(found),
            not_before=found.not_valid_before_utc,
            not_after=found.not_valid_after_utc,
        )
    except (ValueError, x509.ExtensionNotFound):
        return None


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        found = certificate.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
    except x509.ExtensionNotFound:
        return []
    if not isinstance(found, x509.SubjectAlternativeName):
        return []
    hosts = found.get_values_for_type(x509.DNSName)
    addresses = found.get_values_for_type(x509.IPAddress)
    return [*hosts, *map(str, addresses)][:MOST_NAMES]
