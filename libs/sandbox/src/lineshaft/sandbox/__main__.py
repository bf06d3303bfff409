"""`python -m lineshaft.sandbox`: the plant's system on one port, the admin's hands on another."""

import argparse
import asyncio
import os
import secrets
import signal
import ssl
import sys
from dataclasses import asdict
from functools import partial

from lineshaft.sandbox.admin import Admin
from lineshaft.sandbox.certificates import Certificates
from lineshaft.sandbox.interface import Interface
from lineshaft.sandbox.oauth import Provider
from lineshaft.sandbox.plant import PlantSize
from lineshaft.sandbox.sandbox import Sandbox
from lineshaft.sandbox.serving import Doors, Port

COUNTS = asdict(PlantSize())


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def serve(options: argparse.Namespace) -> None:
    password = os.environ.get("SANDBOX_PASSWORD") or secrets.token_urlsafe(12)
    token = os.environ.get("SANDBOX_TOKEN") or secrets.token_urlsafe(24)
    admin_token = os.environ.get("SANDBOX_ADMIN_TOKEN") or secrets.token_urlsafe(24)
    client_secret = os.environ.get("SANDBOX_CLIENT_SECRET") or secrets.token_urlsafe(24)
    provider = Provider(client_secret=client_secret)
    size = PlantSize(**{name: getattr(options, name) for name in COUNTS})
    sandbox = Sandbox(size=size, username=options.username, password=password, token=token, provider=provider)
    app, certificates = Interface(sandbox).app(), None
    doors = [Port(app, options.host, options.port)]
    if options.tls_port:
        certificates = Certificates(*options.tls_name)
        shown = partial(_shown, certificates, sandbox)
        doors.append(Port(app, options.host, options.tls_port, tls=shown))
    door = Doors(*doors)
    hands = Admin(sandbox, door, admin_token, certificates)
    admin = Port(hands.app(), options.admin_host, options.admin_port)
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await door.open()
    await admin.open()
    say(f"sandbox: http://{options.host}:{options.port}, user {options.username}")
    if options.tls_port:
        say(f"with TLS: https://localhost:{options.tls_port}, trust what GET /admin/authority answers")
    if "SANDBOX_PASSWORD" not in os.environ:
        say(f"password {password}, token {token}")
    if "SANDBOX_ADMIN_TOKEN" not in os.environ:
        say(f"admin: http://{options.admin_host}:{options.admin_port}/admin, token {admin_token}")
    if "SANDBOX_CLIENT_SECRET" not in os.environ:
        say(f"OAuth client {provider.client_id}, secret {client_secret}")
    await ended.wait()
    await door.close()
    await admin.close()


def _shown(certificates: Certificates, sandbox: Sandbox) -> ssl.SSLContext:
    return certificates.context(sandbox.faults.certificate)


def main() -> None:
    parser = argparse.ArgumentParser(prog="lineshaft.sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument("--tls-port", type=int, default=0, help="0: none")
    parser.add_argument("--tls-name", action="append", default=[], help="of this host, beside localhost")
    parser.add_argument("--admin-host", default="127.0.0.1")
    parser.add_argument("--admin-port", type=int, default=8091)
    parser.add_argument("--username", default="lineshaft")
    for name, count in COUNTS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=count)
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
