"""Certificates for servers of tests, from an authority that a test may trust."""

import os
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from lineshaft.tools.stack.accounts import unprivileged_account
from lineshaft.tools.stack.supervisor import Supervisor

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Issued:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def files(self, folder: Path, *issuers: "Issued") -> tuple[Path, Path]:
        """The certificate with those of its issuers, and the key."""
        shown, key = folder / "certificate.pem", folder / "key.pem"
        shown.write_bytes(b"".join(one.pem for one in (self, *issuers)))
        key.touch(mode=0o600)
        key.write_bytes(
            self.key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        )
        return shown, key

    def files_of_server(self, supervisor: Supervisor) -> tuple[Path, Path]:
        """Where a database of this run may read them."""
        account = unprivileged_account()
        folder = supervisor.layout.folder_for(account) / f"certificate-{self.certificate.serial_number:x}"
        folder.mkdir(parents=True)
        files = self.files(folder)
        if account is not None:
            for path in (folder, *files):
                os.chown(path, account.user_id, account.group_id)
        return files

    def context(self, folder: Path, *issuers: "Issued") -> ssl.SSLContext:
        """Of a server that shows this certificate and those of its issuers."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.files(folder, *issuers))
        return context

    def trusted(self) -> ssl.SSLContext:
        """Of a client that trusts this authority alone."""
        return ssl.create_default_context(cadata=self.pem.decode())

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)


def issue(
    common_name: str, *, names: tuple[str, ...] = (), by: Issued | None = None, ended: bool = False
) -> Issued:
    """Without `by` it signs itself and may sign others."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    issuer = by.certificate.subject if by else subject
    end = datetime.now(UTC) + (-DAY if ended else 90 * DAY)
    builder = (
        x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(end - 180 * DAY)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
    )
    if by is None and not names:
        usage = x509.KeyUsage(
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
        builder = builder.add_extension(usage, critical=True)
    if names:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False
        )
    return Issued(builder.sign((by.key if by else key), hashes.SHA256()), key)
