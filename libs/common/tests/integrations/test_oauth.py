"""What a manifest may say of OAuth, and where its addresses lead."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from lineshaft.common.integrations import Manifest
from lineshaft.common.integrations.oauth import (
    AUTHORIZATION_CODE,
    CLIENT_CREDENTIALS,
    filled,
    oauth_faults,
    operators_client,
)

OWN_CLIENT = [{"key": "client_id", "title": "Client"}, {"key": "client_secret", "title": "Secret"}]
PAGE = (Path(__file__).parents[4] / "docs/howto/oauth.md").read_text(encoding="utf-8")
EXAMPLES = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
URLS = {"token_url": "https://login.example/{tenant}/token", "authorize_url": "https://login.example/consent"}


def manifest(
    strategy: str, options: dict[str, Any], credentials: list[dict[str, str]] | None = None
) -> Manifest:
    return Manifest.model_validate(
        {
            "manifest": 1,
            "id": "example",
            "label": "Example",
            "protocol": "rest",
            "verification": "doc-derived",
            "evidence": ["a test"],
            "settings": [
                {"key": "base_url", "title": "Address", "type": "url"},
                {"key": "tenant", "title": "Tenant"},
            ],
            "credentials": credentials or [],
            "auth": {"strategy": strategy, "options": options},
            "verify": {"account": "{tenant}"},
            "objects": {"things": {"label": "Things"}},
        }
    )


@pytest.mark.parametrize("example", EXAMPLES, ids=[one["auth"]["strategy"] for one in EXAMPLES])
def test_the_examples_of_the_guide_are_taken(example: dict[str, Any]) -> None:
    auth = example["auth"]
    assert list(oauth_faults(manifest(auth["strategy"], auth["options"], example["credentials"]))) == []


@pytest.mark.parametrize(
    ("strategy", "options", "credentials", "key", "words"),
    [
        (AUTHORIZATION_CODE, {}, [], "auth.options.token_url", "Field required"),
        (AUTHORIZATION_CODE, URLS | {"scope": "read"}, [], "auth.options.scope", "allowed are token_url"),
        (AUTHORIZATION_CODE, {"token_url": URLS["token_url"]}, [], "auth.options.authorize_url", "consents"),
        (CLIENT_CREDENTIALS, URLS, OWN_CLIENT[:1], "credentials", "there is no client_secret"),
        (
            CLIENT_CREDENTIALS,
            {"token_url": "https://{realm}.example/token"},
            OWN_CLIENT,
            "auth.options.token_url",
            "there is no setting 'realm'",
        ),
        (
            AUTHORIZATION_CODE,
            URLS | {"token_url": "https://{tenant}.example/token"},
            [],
            "auth.options.token_url",
            "a host",
        ),
        (
            AUTHORIZATION_CODE,
            URLS | {"token_url": "{base_url}/token"},
            [],
            "auth.options.token_url",
            "let credentials ask for client_id",
        ),
    ],
)
def test_what_is_wrong_is_named(
    strategy: str, options: dict[str, Any], credentials: list[dict[str, str]], key: str, words: str
) -> None:
    faults = list(oauth_faults(manifest(strategy, options, credentials)))
    assert any(found == key and words in message for found, message in faults), faults


def test_whose_client_it_is() -> None:
    assert operators_client(manifest(AUTHORIZATION_CODE, URLS))
    assert not operators_client(manifest(AUTHORIZATION_CODE, URLS, OWN_CLIENT))
    assert not operators_client(manifest(CLIENT_CREDENTIALS, URLS, OWN_CLIENT))
    own = URLS | {"token_url": "{base_url}/token", "authorize_url": "{base_url}/consent"}
    assert list(oauth_faults(manifest(AUTHORIZATION_CODE, own, OWN_CLIENT))) == []


def test_only_a_login_with_the_system_itself_asks_for_nothing() -> None:
    with pytest.raises(ValueError, match="credentials are needed"):
        manifest("bearer", {})


def test_a_setting_stays_a_part_of_an_address() -> None:
    settings = {"tenant": "../other?x=#", "base_url": "https://plant.example/erp/"}
    assert filled(URLS["token_url"], settings) == "https://login.example/..%2Fother%3Fx%3D%23/token"
    assert filled("{base_url}/token", settings) == "https://plant.example/erp/token"
