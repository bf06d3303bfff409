"""Bad data of one connection pauses that one; of several at once, it stops the consumer."""

from collections.abc import Sequence
from unittest.mock import ANY

import pytest

from lineshaft.common.errors import DeadLetterError
from lineshaft.common.kafka.quarantine import Quarantine
from lineshaft.common.service import readiness

from .members import Group, Kind, Raw, Requested, names, request, until, until_effects

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

LIMIT = 3


async def refuse_bad(events: Sequence[Requested]) -> None:
    if any(name.startswith("bad") for name in names(events)):
        raise DeadLetterError("bad data")


async def stages(group: Group, count: int) -> list[tuple[str, bytes]]:
    return [
        (letter.key.decode(), dict(letter.headers)["dlq_stage"]) for letter in await group.dead_letters(count)
    ]


async def test_a_flood_of_bad_records_pauses_its_connection_and_no_other(group: Group, kind: Kind) -> None:
    """All on one partition: its neighbours go on in order, what it sends is kept in order."""
    flood = [request(f"bad-{number}", "flooding") for number in range(6)]
    good = [request(f"good-{number}", "steady") for number in range(6)]
    await group.producer.publish([record for pair in zip(flood, good, strict=True) for record in pair])
    await group.producer.publish([request("fine-but-held", "flooding"), request("good-last", "steady")])
    async with group.member(
        kind.handler(step=refuse_bad), quarantine=Quarantine(limit=LIMIT), max_records=1
    ) as member:
        await until_effects(kind, {"good-last"})
        letters = await stages(group, 7)
        assert not member.halted

    assert await kind.effects() == [f"good-{number}" for number in range(6)] + ["good-last"]
    assert letters == [("flooding", b"handle")] * LIMIT + [("flooding", b"paused")] * 4
    assert sum((await group.committed()).values()) == 14


async def test_the_pause_ends_with_the_first_record_that_works(group: Group) -> None:
    clock = [0.0]
    quarantine = Quarantine(limit=LIMIT, clock=lambda: clock[0])
    raw = Raw()
    async with group.member(raw.handler(step=refuse_bad), quarantine=quarantine) as member:
        await group.producer.publish([request(f"bad-{number}", "a") for number in range(LIMIT)])
        await group.dead_letters(LIMIT)
        await group.producer.publish([request("held", "a")])
        assert (await stages(group, LIMIT + 1))[-1] == ("a", b"paused")
        clock[0] += 61
        await group.producer.publish([request("mended", "a"), request("after", "a")])
        await until_effects(raw, {"mended", "after"})
        assert quarantine.quiet
        assert not member.halted


async def test_bad_data_of_several_connections_stops_the_consumer_where_it_is(group: Group) -> None:
    raw = Raw()
    records = [request(f"bad-{number}", f"key-{number % 4}") for number in range(400)]
    await group.producer.publish(records)
    async with group.member(
        raw.handler(step=refuse_bad), quarantine=Quarantine(limit=LIMIT), max_records=20
    ) as member:

        async def halted() -> bool:
            return member.halted

        await until("the consumer has stopped", halted)
        await group.producer.publish([request("later", "another")])
        assert await readiness(_Pool(), [member], {})["kafka"]() == ANY
        set_aside = sum((await group.committed()).values())
        assert 3 * LIMIT <= set_aside < len(records)

    mended = Raw()
    async with group.member(mended.handler()):

        async def all_that_was_left() -> bool:
            return len(await mended.effects()) == len(records) + 1 - set_aside

        await until("the rest is handled", all_that_was_left)


class _Pool:
    """Readiness asks it only whether it answers."""
