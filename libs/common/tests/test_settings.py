import pytest
from pydantic import ValidationError

from lineshaft.common.settings import Settings


def test_a_log_level_may_be_written_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINESHAFT_LOG_LEVEL", "debug")
    assert Settings().log_level == "DEBUG"


def test_a_log_level_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINESHAFT_LOG_LEVEL", "chatty")
    with pytest.raises(ValidationError, match=r"log_level\n.*'DEBUG', 'INFO', 'WARNING' or 'ERROR'"):
        Settings()
