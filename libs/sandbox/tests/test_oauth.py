"""The provider by itself: what it refuses, and what it does about a token that comes twice."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from lineshaft.sandbox.oauth import Provider, RefusedError

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
BACK = "https://connect.example/callback"
ASKED = {
    "response_type": "code",
    "client_id": "lineshaft",
    "redirect_uri": BACK,
    "state": "s",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
    "decision": "allow",
}
CLIENT = ("lineshaft", "of the client")


@pytest.fixture
def provider() -> Provider:
    return Provider(client_secret=CLIENT[1])


def sent_back(provider: Provider, **changes: str) -> dict[str, str]:
    address = provider.consent(ASKED | changes)
    assert address.startswith(f"{BACK}?")
    return dict(parse_qsl(urlsplit(address).query))


def exchange(provider: Provider, **changes: str) -> dict[str, str | float]:
    code = sent_back(provider)["code"]
    asked = {
        "grant_type": "authorization_code",
        "code": code,
        "code_verifier": VERIFIER,
        "redirect_uri": BACK,
    }
    return provider.token(asked | changes, CLIENT)


def refresh(provider: Provider, token: object) -> dict[str, str | float]:
    return provider.token({"grant_type": "refresh_token", "refresh_token": str(token)}, CLIENT)


def test_a_refresh_token_that_comes_twice_ends_all_of_its_family(provider: Provider) -> None:
    first, other = exchange(provider), exchange(provider)
    second = refresh(provider, first["refresh_token"])
    assert provider.admits(str(second["access_token"]))
    with pytest.raises(RefusedError, match="used before"):
        refresh(provider, first["refresh_token"])
    assert provider.reused == 1
    assert not provider.admits(str(second["access_token"]))
    with pytest.raises(RefusedError, match="has ended"):
        refresh(provider, second["refresh_token"])
    assert provider.admits(str(other["access_token"]))


def test_a_code_is_for_whoever_began_and_works_once(provider: Provider) -> None:
    for changes in (
        {"code_verifier": "another"},
        {"redirect_uri": "https://elsewhere.example"},
        {"code": "made up"},
    ):
        with pytest.raises(RefusedError) as refused:
            exchange(provider, **changes)
        assert refused.value.error == "invalid_grant"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"decision": "deny"}, "access_denied"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
    ],
)
def test_a_refusal_goes_back_with_the_state(provider: Provider, changes: dict[str, str], error: str) -> None:
    found = sent_back(provider, **changes)
    assert (found["error"], found["state"], "code" in found) == (error, "s", False)


@pytest.mark.parametrize("changes", [{"client_id": "nobody"}, {"redirect_uri": "javascript:alert(1)"}])
def test_nobody_is_sent_where_the_request_cannot_be_trusted(
    provider: Provider, changes: dict[str, str]
) -> None:
    with pytest.raises(RefusedError):
        provider.consent(ASKED | changes)


def test_a_client_with_a_wrong_secret_and_an_unknown_grant(provider: Provider) -> None:
    with pytest.raises(RefusedError) as refused:
        provider.token({"grant_type": "client_credentials"}, ("lineshaft", "wrong"))
    assert (refused.value.error, refused.value.status) == ("invalid_client", 401)
    with pytest.raises(RefusedError) as refused:
        provider.token({"grant_type": "password"}, CLIENT)
    assert refused.value.error == "unsupported_grant_type"
