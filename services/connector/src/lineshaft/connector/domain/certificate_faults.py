"""Why a certificate is not trusted."""

import ssl

TLS_FAILED = "tls_failed"
NOT_TRUSTED = "certificate_not_trusted"

_BY_NUMBER = {
    9: "certificate_not_yet_valid",
    10: "certificate_expired",
    18: "certificate_self_signed",
    19: "certificate_unknown_issuer",
    20: "certificate_unknown_issuer",
    21: "certificate_unknown_issuer",
    62: "certificate_wrong_name",
    64: "certificate_wrong_name",
}
"""OpenSSL's X509_V_ERR numbers."""

REASONS = {
    "certificate_not_yet_valid": "its certificate is not valid yet",
    "certificate_expired": "its certificate has ended",
    "certificate_self_signed": "its certificate is self-signed",
    "certificate_unknown_issuer": "its certificate is from an authority that is not trusted",
    "certificate_wrong_name": "its certificate is for another name",
    NOT_TRUSTED: "its certificate is not trusted",
}


def certificate_fault(number: int) -> str:
    return _BY_NUMBER.get(number, NOT_TRUSTED)


def tls_fault(error: BaseException) -> str:
    """The code of a handshake that failed: the certificate's reason where it was that."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return certificate_fault(error.verify_code)
    return TLS_FAILED
