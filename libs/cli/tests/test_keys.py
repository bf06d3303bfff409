import asyncio
import base64

import pytest
from typer.testing import CliRunner, Result

from lineshaft.cli.main import app
from lineshaft.common.encryption import KeyRing
from lineshaft.common.postgres.sealed import Resealing
from lineshaft.notifier.adapters.signing import SEALED, secret_binding
from lineshaft.tools.testing.infrastructure import Database

OLD_KEY, NEW_KEY = (f"{name}:{base64.b64encode(name.encode() * 16).decode()}" for name in ("k1", "k2"))


def test_a_new_key_is_one_that_services_take() -> None:
    written = CliRunner().invoke(app, ["keys", "new", "k7"]).stdout.strip()
    assert KeyRing.parse(written).active == "k7"
    other = CliRunner().invoke(app, ["keys", "new"]).stdout.strip()
    assert KeyRing.parse(f"{other},{written}").ids > {"k7"}


@pytest.mark.integration
async def test_rotate_tells_how_far_the_services_are(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for service in ("api", "connector"):
        await (await database.pool(service, size=2)).close()
    pool = await database.pool("notifier", size=2)
    for number in range(3):
        bound_to = secret_binding("whe", f"sec_{number}")
        await pool.execute(
            "insert into webhook_secret (secret_id, endpoint_id, sealed) values ($1, 'whe', $2)",
            f"sec_{number}",
            KeyRing.parse(OLD_KEY).seal(b"x", bound_to=bound_to),
        )
    monkeypatch.setenv("LINESHAFT_POSTGRES_DSN", database.dsn("api"))
    monkeypatch.setenv("LINESHAFT_SECRET_KEYS", f"{NEW_KEY},{OLD_KEY}")

    before = await _rotate("--seconds", "0")
    assert before.exit_code == 1
    assert before.stdout == "webhook_secret 0/3\n"

    following = asyncio.create_task(_rotate("--to", "k2"))
    await asyncio.sleep(1)
    both = KeyRing.parse(f"{NEW_KEY},{OLD_KEY}")
    await Resealing(pool, both, SEALED, "notifier").turn(asyncio.Event())
    await pool.close()
    after = await following
    assert after.exit_code == 0
    told = [line for line in after.stdout.splitlines() if "secret" in line and "[info" not in line]
    assert told[:2] == ["webhook_secret 0/3", "webhook_secret 3/3"]
    assert told[2].startswith("every stored secret is under k2")


async def _rotate(*options: str) -> Result:
    return await asyncio.to_thread(
        CliRunner().invoke, app, ["keys", "rotate", *options], catch_exceptions=False
    )
