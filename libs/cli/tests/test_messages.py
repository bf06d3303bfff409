"""What a command says to somebody who has not set it up yet: one line, with the fix."""

import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from lineshaft.cli.main import app
from lineshaft.client import ProblemError

NOWHERE = "127.0.0.1:1"


@pytest.fixture(autouse=True)
def empty_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("LINESHAFT_URL", "LINESHAFT_KEY", "KAFKA_BOOTSTRAP_SERVERS"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def website() -> Iterator[str]:
    """Something that answers, and is not Lineshaft."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>")

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_help_says_which_settings_are_read() -> None:
    shown = _run("--help")
    for name in ("LINESHAFT_URL", "LINESHAFT_KEY", "KAFKA_BOOTSTRAP_SERVERS"):
        assert name in shown.stdout


def test_a_command_of_the_api_loads_no_client_of_kafka_or_postgres() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "lineshaft.cli.main", "connections", "list"],
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "lineshaft.cli.access" in loaded
    assert loaded & {"aiokafka", "asyncpg"} == set()


def test_a_mistyped_command_is_answered_with_those_that_are_near() -> None:
    assert "Did you mean 'connections'" in _run("conections").stderr


def test_the_setting_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "set LINESHAFT_URL and LINESHAFT_KEY (" in _run("connections", "list").stderr
    monkeypatch.setenv("LINESHAFT_URL", f"http://{NOWHERE}")
    refused = _run("connections", "list")
    assert refused.stderr.startswith("set LINESHAFT_KEY (")
    assert refused.exit_code == 2


@pytest.mark.parametrize("url", [f"http://{NOWHERE}", "lineshaft.example.com"])
def test_an_address_that_does_not_answer(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINESHAFT_URL", url)
    monkeypatch.setenv("LINESHAFT_KEY", "lsa_1")
    refused = _run("connections", "list")
    assert refused.exit_code == 1
    assert refused.stderr.startswith(f"Lineshaft does not answer at {url} (")


def test_an_address_where_something_else_answers(website: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINESHAFT_URL", website)
    monkeypatch.setenv("LINESHAFT_KEY", "lsa_1")
    refused = _run("connections", "list")
    assert (refused.exit_code, refused.stderr) == (
        1,
        f"what answers at {website} is not Lineshaft: no JSON\n",
    )


@pytest.mark.parametrize(
    "command",
    [
        ("tail", "item"),
        ("dlq", "list"),
        ("dlq", "redrive", "0/1"),
        ("offsets", "after-restore", "2026-01-31T04:00Z"),
    ],
)
def test_a_broker_that_does_not_answer_is_named(
    command: tuple[str, ...], empty_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    state = empty_folder / "var" / "stack.json"
    state.parent.mkdir()
    state.write_text(json.dumps({"kafka_bootstrap": NOWHERE}))
    refused = _run(*command)
    assert refused.exit_code == 1
    assert refused.stderr.startswith(f"no Kafka broker answers at {NOWHERE}: set KAFKA_BOOTSTRAP_SERVERS")
    assert "Unclosed" not in caplog.text


def test_an_entity_that_there_is_not() -> None:
    refused = _run("tail", "itme")
    assert refused.exit_code == 2
    assert "there is no entity 'itme'; there are " in " ".join(refused.stderr.split())


def test_a_problem_tells_each_field_once() -> None:
    errors = [{"field": "url", "message": "is required"}, {"field": "name", "message": "is too long"}]
    problem = ProblemError(422, {"detail": "url: is required", "code": "c", "errors": errors}, None)
    assert str(problem) == "url: is required; name: is too long (c, None)"


def test_a_folder_without_systems() -> None:
    assert "--folder" in _run("integrations", "validate").stderr


def test_the_local_stack_becomes_variables_of_the_shell(empty_folder: Path) -> None:
    refused = _run("env")
    assert (refused.exit_code, refused.stderr) == (1, "no stack runs in this folder: make up\n")
    state = {
        "ready": True,
        "api_url": "http://127.0.0.1:8080",
        "admin_key": "lsa_1",
        "kafka_bootstrap": "127.0.0.1:9092",
        "connections": [{"id": "con_1", "system": "postgresql", "token": "lsc_1"}],
    }
    (empty_folder / "var").mkdir()
    (empty_folder / "var" / "stack.json").write_text(json.dumps(state))
    assert _run("env").stdout.splitlines() == [
        "export API=http://127.0.0.1:8080",
        "export ADMIN_KEY=lsa_1",
        "export KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:9092",
        "export ID=con_1",
        "export TOKEN=lsc_1",
    ]


def _run(*command: str) -> Result:
    return CliRunner().invoke(
        app, list(command), env={"COLUMNS": "200", "TERM": "dumb"}, catch_exceptions=False
    )
