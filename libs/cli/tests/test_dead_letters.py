import pytest
from typer.testing import CliRunner

from lineshaft.cli.main import app
from lineshaft.common import topics as registry
from lineshaft.common.errors import DeadLetterError
from lineshaft.common.kafka.dead_letters import dead_letter
from lineshaft.common.kafka.producer import Producer
from lineshaft.common.kafka.record import Record
from lineshaft.tools.testing.infrastructure import Topics

pytestmark = pytest.mark.integration


async def test_dead_letters_are_listed_shown_and_redriven(
    topics: Topics, producer: Producer, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = Record(
        registry.SYNC_REQUESTS.name, 2, 17, b"con_1", b'{"connection_id": "con_1"}', (("ce_id", b"evt_1"),)
    )
    letter = dead_letter(
        record, service="connector", stage="handle", error=DeadLetterError("no such entity"), attempt=1
    )
    await producer.publish([letter])
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", topics.bootstrap_servers)
    monkeypatch.setenv("LINESHAFT_TOPIC_PREFIX", topics.prefix)

    listed = await _invoke("dlq", "list")
    assert "sync.requests/2/17  handle  DeadLetterError: no such entity" in listed
    letter_id = listed.split()[0]

    shown = await _invoke("dlq", "show", letter_id)
    assert "ce_id: evt_1" in shown
    assert shown.endswith('{"connection_id": "con_1"}\n')

    assert await _invoke("dlq", "redrive", letter_id) == "1 records published again\n"
    assert await _invoke("dlq", "redrive", "--topic", "no.such") == "0 records published again\n"
    assert "there is no dead letter 0/999" in await _invoke("dlq", "redrive", "0/999", exit_code=2)


async def _invoke(*arguments: str, exit_code: int = 0) -> str:
    import asyncio  # noqa: PLC0415

    result = await asyncio.to_thread(CliRunner().invoke, app, list(arguments), catch_exceptions=False)
    assert result.exit_code == exit_code, result.output
    return result.stdout or result.stderr
