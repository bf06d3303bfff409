"""How a database is dialled: at an address that was checked, by TLS in the name of its host."""

import ssl
from collections.abc import Sequence
from typing import Literal

from lineshaft.common.errors import LineshaftError
from lineshaft.common.http.addresses import AddressPolicy

LOGIN_SECONDS = 15.0


class NameNotResolvedError(LineshaftError):
    """The host name does not resolve."""


class TlsNotOfferedError(LineshaftError):
    """The server does not offer TLS."""


async def checked_addresses(policy: AddressPolicy, host: str, port: int) -> Sequence[str]:
    """Addresses that may be dialled.

    Raises:
        NameNotResolvedError: the name does not resolve.
        ForbiddenAddressError: it resolves to an address that may not be dialled.
    """
    try:
        return await policy.resolve(host, port)
    except (OSError, UnicodeError) as error:
        raise NameNotResolvedError(str(error)) from error


class _NamedContext(ssl.SSLContext):
    """Checks the certificate against the host's name although an address is dialled."""

    name: str

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,  # noqa: FBT001, FBT002  the signature is the standard library's
        server_hostname: str | bytes | None = None,  # noqa: ARG002  what the driver dials
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        return super().wrap_bio(incoming, outgoing, server_side, self.name, session)


def tls_context(
    host: str, mode: Literal["verify", "encrypt", "off"], ca_certificate: str | None = None
) -> ssl.SSLContext | None:
    """None for `off`; with `encrypt` any certificate will do.

    `ca_certificate` is trusted besides the public authorities.
    """
    if mode == "off":
        return None
    context = _NamedContext(ssl.PROTOCOL_TLS_CLIENT)
    context.name = host
    if mode == "encrypt":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        context.load_default_certs()
        if ca_certificate:
            context.load_verify_locations(cadata=ca_certificate)
    return context
