"""Certificates for servers of tests, from an authority that a test may trust."""

import os
import ssl
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from lineshaft.sandbox import certificates
from lineshaft.tools.stack.accounts import unprivileged_account
from lineshaft.tools.stack.supervisor import Supervisor


class Issued(certificates.Issued):
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


def issue(
    common_name: str, *, names: tuple[str, ...] = (), by: Issued | None = None, ended: bool = False
) -> Issued:
    """Without `by` it signs itself; without `names` of hosts it may sign others."""
    issued = certificates.issue(common_name, names, by=by, ended=ended)
    return Issued(issued.certificate, issued.key)
