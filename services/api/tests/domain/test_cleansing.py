"""What leaves in a support bundle: nobody there knows the secrets, so what looks like one goes."""

from urllib.parse import quote

import pytest

from lineshaft.api.domain.cleansing import LEFT_OUT, cleaned, cleaned_settings, cleaned_words

SECRET = "Canary/9'q+1"
NAMES = {"parts", "unit_cost"}


@pytest.mark.parametrize(
    "words",
    [
        f"login failed for password={SECRET}",
        f"the password is {SECRET}",
        f'{{"api_key": "{SECRET}"}}',
        f"X-Auth-Token: {SECRET}",
        f"Authorization: Bearer {SECRET}",
        "sent Basic Q2FuYXJ5LzkncSsx",
        f"cannot connect to https://lineshaft:{SECRET}@erp.example.com/x",
        f"https://{SECRET}@erp.example.com",
        f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----",
        f'invalid input for "{SECRET}"',
        f"no such value '{SECRET}'",
        f"no such value `{SECRET}` in `parts`",
        f"nicht erlaubt: \u201e{SECRET}\u201c",
        f"Key (tag)=({SECRET}) already exists",
    ],
)
def test_secrets_and_quoted_values_go(words: str) -> None:
    shown = cleaned_words(words, NAMES)
    assert "Canary" not in shown
    assert "Q2FuYXJ5" not in shown
    assert "[redacted]" in shown


@pytest.mark.parametrize(
    "words",
    [
        "permission denied for table parts",
        'column "unit_cost" of "parts" does not exist',
        "we can't read this, and that's all",
        "the password has expired",
        "it's not known",
    ],
)
def test_what_explains_a_failure_stays(words: str) -> None:
    assert cleaned_words(words, NAMES) == words


def test_what_is_said_of_a_write_goes_and_its_code_stays() -> None:
    row = {"operation": "write", "code": "23505", "message": "taken: Canary", "object": "parts"}
    assert cleaned([row], NAMES) == [{**row, "message": LEFT_OUT}]


def test_words_are_cut() -> None:
    assert len(cleaned({"message": "x" * 10_000, "other": "y" * 10_000}, NAMES)["message"]) == 2000


def test_settings_keep_addresses_alone() -> None:
    settings = {
        "base_url": f"https://u:{quote(SECRET, safe='')}@erp.example.com:8443/x?key={quote(SECRET)}#f",
        "database": "plant",
        "client_secret": SECRET,
        "port": 5432,
    }
    assert cleaned_settings(settings) == {
        "base_url": "https://erp.example.com:8443/x",
        "database": "plant",
        "client_secret": "[redacted]",
        "port": 5432,
    }


@pytest.mark.parametrize(
    "address", ["https://u:Canary/9@erp", "https://Canary?x@erp", "https://u:Can:ary@[x"]
)
def test_an_address_that_is_not_encoded_goes_whole(address: str) -> None:
    assert cleaned_settings({"base_url": address}) == {"base_url": "[redacted]"}
