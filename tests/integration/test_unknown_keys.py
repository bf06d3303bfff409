"""A service that lacks a key which stored secrets are sealed with does not start."""

import asyncio
import base64
import os
import sys

import pytest

from lineshaft.common.encryption import KeyRing
from lineshaft.tools.stack.layout import find_checkout
from lineshaft.tools.stack.ports import free_port
from lineshaft.tools.testing.infrastructure import Database

pytestmark = pytest.mark.integration

OLD = KeyRing({"k-old": b"o" * 32})
NEW_KEY = "k-new:" + base64.b64encode(b"n" * 32).decode()
REFUSED = 2
ROWS = {
    "connector": "insert into credential (credential_id, connection_id, sealed) values ('cre', 'con', $1)",
    "notifier": "insert into webhook_secret (secret_id, endpoint_id, sealed) values ('sec', 'whe', $1)",
    "api": "insert into link_session (session_id, capability_hash, connection_id, system, reauthorizes,"
    " settings, login, metadata, expires_at, code_sealed)"
    " values ('lks', 'x', 'con', 'tryton', false, '{}', '{}', '{}', now(), $1)",
}


@pytest.mark.parametrize("service", ROWS)
async def test_it_names_the_key_and_the_variable(database: Database, service: str) -> None:
    pool = await database.pool(service, size=2)
    await pool.execute(ROWS[service], OLD.seal(b"secret", bound_to="row"))
    await pool.close()
    environment = {
        **os.environ,
        "LINESHAFT_POSTGRES_DSN": database.dsn(service),
        "LINESHAFT_SECRET_KEYS": NEW_KEY,
        "LINESHAFT_LINK_SIGNING_KEY": "link-key",
        "LINESHAFT_INTEGRATIONS_DIR": str(find_checkout() / "integrations"),
        "LINESHAFT_HTTP_PORT": str(free_port()),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"lineshaft.{service}", env=environment, stdout=asyncio.subprocess.PIPE
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), 60)
    except TimeoutError:
        process.kill()
        raise
    assert process.returncode == REFUSED, output.decode()
    last = output.decode().splitlines()[-1]
    assert "refused_to_start" in last
    assert "LINESHAFT_SECRET_KEYS" in last
    assert "'k-old' (1 rows)" in last
