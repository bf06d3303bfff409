"""Signing secrets move to the active key; a secret in another endpoint's row signs nothing."""

import asyncio
import base64
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from lineshaft.common.encryption import KeyRing
from lineshaft.common.postgres.sealed import Resealing, key_usage
from lineshaft.notifier.adapters.signing import SEALED, forget_replaced, secret_binding

from .stage import KEYS, OTHER_SECRET, SECRET, Stage, eventually

pytestmark = pytest.mark.integration

NEW_KEY = "new:" + base64.b64encode(b"n" * 32).decode()


async def test_secrets_are_resealed_for_their_own_rows(stage: Stage) -> None:
    for number in range(20):
        await stage.add_secret(f"whe_{number}", SECRET)
    both = KeyRing.parse(f"{NEW_KEY},{KEYS}")
    await Resealing(stage.pool, both, SEALED, "notifier").turn(asyncio.Event())
    assert await key_usage(stage.pool) == [("webhook_secret", "new", 20)]
    only_new = KeyRing.parse(NEW_KEY)
    for row in await stage.pool.fetch("select * from webhook_secret"):
        bound_to = secret_binding(row["endpoint_id"], row["secret_id"])
        assert only_new.open(row["sealed"], bound_to=bound_to) == SECRET.encode()


async def test_swapped_secrets_sign_nothing_and_others_go_on(stage: Stage) -> None:
    first = await stage.endpoint("/first", secret=OTHER_SECRET)
    second = await stage.endpoint("/second")
    third = await stage.endpoint("/third")
    await stage.pool.execute(
        "update webhook_secret as one set sealed = other.sealed from webhook_secret as other"
        " where (one.endpoint_id, other.endpoint_id) in (($1, $2), ($2, $1))",
        first,
        second,
    )
    stage.receiver.secret = SECRET

    with capture_logs() as logs:
        async with stage.sending():
            await stage.tell("con_1")

            async def over() -> bool:
                rows = await stage.deliveries(first) + await stage.deliveries(second)
                held = all(row["last_error"] is not None for row in rows)
                return held and await stage.states(third) == ["delivered"]

            await eventually(over)
    for endpoint in (first, second):
        (row,) = await stage.deliveries(endpoint)
        assert (row["state"], row["attempts"]) == ("due", 0)
        assert "nothing is sent unsigned" in row["last_error"]
    assert await stage.pool.fetchval("select count(*) from attempt") == 1
    assert set(stage.receiver.got) == {"/third"}
    unreadable = [one for one in logs if one["event"] == "secret_unreadable"]
    assert {one["endpoint_id"] for one in unreadable} == {first, second}
    written = repr(logs)
    assert SECRET not in written
    assert OTHER_SECRET not in written


async def test_replaced_secrets_are_deleted_when_they_sign_no_more(stage: Stage) -> None:
    for endpoint_id in ("whe_1", "whe_1", "whe_1", "whe_2"):
        await stage.add_secret(endpoint_id, SECRET)
    kept = "select endpoint_id, count(*) from webhook_secret group by 1 order by 1"
    await forget_replaced(stage.pool, timedelta(hours=1))
    assert [tuple(row) for row in await stage.pool.fetch(kept)] == [("whe_1", 3), ("whe_2", 1)]
    await forget_replaced(stage.pool, timedelta(0))
    assert [tuple(row) for row in await stage.pool.fetch(kept)] == [("whe_1", 1), ("whe_2", 1)]
