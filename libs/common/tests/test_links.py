from datetime import UTC, datetime, timedelta

import pytest

from lineshaft.common.links import LIFETIME, InvalidLinkError, open_link, reauthorize_url

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def token(key: str = "key") -> str:
    url = reauthorize_url("https://integrations.example.com/", key, "con_1", now=NOW)
    assert url.startswith("https://integrations.example.com/reauthorize/")
    return url.rpartition("/")[2]


def test_a_link_names_its_connection_until_it_ends() -> None:
    assert open_link(token(), "key", now=NOW + LIFETIME) == "con_1"
    with pytest.raises(InvalidLinkError):
        open_link(token(), "key", now=NOW + LIFETIME + timedelta(seconds=1))


@pytest.mark.parametrize("text", ["", ".", "a.b", "!!!", token()[:-2], "A" + token(), token("another")])
def test_a_forged_or_damaged_link_is_refused(text: str) -> None:
    with pytest.raises(InvalidLinkError):
        open_link(text, "key", now=NOW)
