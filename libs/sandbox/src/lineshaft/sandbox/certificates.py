"""What the sandbox shows at its TLS port: certificates of an authority of its own, made at each start."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from lineshaft.sandbox.faults import Certificate

DAY = timedelta(days=1)
LIFE = 90 * DAY
LOCALHOST = "localhost"
LOOPBACK = (IPv4Address("127.0.0.1"),)


@dataclass(frozen=True)
class Issued:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)


class Certificates:
    def __init__(self, *names: str) -> None:
        """`names` are those of the host beside `localhost` and 127.0.0.1."""
        self._authority = issue("Sandbox Authority")
        here = (LOCALHOST, *names)
        self._shown: dict[Certificate, Issued] = {
            "valid": issue(LOCALHOST, here, addresses=LOOPBACK, by=self._authority),
            "expired": issue(LOCALHOST, here, addresses=LOOPBACK, by=self._authority, ended=True),
            "wrong_name": issue("elsewhere.example", ("elsewhere.example",), by=self._authority),
            "self_signed": issue(LOCALHOST, here, addresses=LOOPBACK),
        }

    def to_trust(self, which: Certificate = "valid") -> str:
        """PEM of the authority; the certificate itself where it has signed itself."""
        one = self._shown[which] if which == "self_signed" else self._authority
        return one.pem.decode()

    def context(self, which: Certificate) -> ssl.SSLContext:
        """Of a server that shows this one."""
        shown = self._shown[which]
        key = shown.key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with TemporaryDirectory() as folder:  # readable by nobody else
            place = Path(folder) / "shown.pem"
            place.write_bytes(shown.pem + key)
            context.load_cert_chain(place)
        return context


def issue(
    common_name: str,
    names: tuple[str, ...] = (),
    *,
    addresses: tuple[IPv4Address, ...] = (),
    by: Issued | None = None,
    ended: bool = False,
) -> Issued:
    """Without `by` it signs itself; without `names` of hosts it may sign others."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    end = datetime.now(UTC) + (-DAY if ended else LIFE)
    builder = (
        x509.CertificateBuilder(
            by.certificate.subject if by else subject, subject, key.public_key(), x509.random_serial_number()
        )
        .not_valid_before(end - 2 * LIFE)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
    )
    if names:
        hosts = x509.SubjectAlternativeName([*map(x509.DNSName, names), *map(x509.IPAddress, addresses)])
        builder = builder.add_extension(hosts, critical=False)
    else:
        builder = builder.add_extension(_may_sign(), critical=True)
    return Issued(builder.sign(by.key if by else key, hashes.SHA256()), key)


def _may_sign() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
