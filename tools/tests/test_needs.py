import pytest

from lineshaft.tools.testing.needs import needs


@pytest.mark.parametrize("ci", ["", "0", "false"])
def test_what_is_missing_skips_a_test(ci: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", ci)
    with pytest.raises(pytest.skip.Exception, match="needs a press"):
        needs("a press", found=False)


@pytest.mark.parametrize("ci", ["1", "true"])
def test_what_is_missing_fails_in_ci(ci: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", ci)
    with pytest.raises(pytest.fail.Exception, match="CI needs a press"):
        needs("a press", found=False)


def test_what_is_here_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    needs("a press", found=True)
