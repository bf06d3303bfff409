from typing import Any

import pytest

from lineshaft.api.domain.forms import Form, given_settings, parse_setting
from lineshaft.common.integrations.manifest import Manifest, Setting

MANIFEST = Manifest.model_validate(
    {
        "manifest": 1,
        "id": "erp",
        "label": "ERP",
        "protocol": "rest",
        "verification": "real",
        "evidence": ["1.0"],
        "settings": [
            {"key": "base_url", "title": "Address", "type": "url"},
            {"key": "port", "title": "Port", "type": "integer", "optional": True},
            {"key": "company", "title": "Company", "default": "1"},
        ],
        "credentials": [
            {"key": "username", "title": "User", "secret": False},
            {"key": "password", "title": "Password"},
            {"key": "otp", "title": "One-time code", "optional": True},
            {"key": "expires_on", "title": "Until", "optional": True, "expiry": True},
        ],
        "auth": {"strategy": "basic"},
        "verify": {"account": "{base_url}"},
        "objects": {"items": {"label": "Items"}},
    }
)


def a_form(*, reauthorizes: bool = False, **more: Any) -> Form:
    known: dict[str, Any] = {"settings": {}, "login": {}} | more
    return Form(MANIFEST, reauthorizes, known["settings"], known["login"])


def test_what_was_typed_is_sorted() -> None:
    typed = {"base_url": "https://erp.example.com/", "username": " me ", "password": " p ", "other": "x"}
    submitted = a_form().submit(typed)
    assert submitted.errors == {}
    assert submitted.settings == {"base_url": "https://erp.example.com", "company": "1"}
    assert submitted.credentials == {"username": "me", "password": " p "}
    assert a_form().login_of(submitted.credentials) == {"username": "me"}


def test_what_the_vendor_filled_in_stands_unless_it_is_changed() -> None:
    form = a_form(settings={"base_url": "https://erp.example.com", "port": 1})
    kept = form.submit({"username": "me", "password": "p"})
    assert kept.settings == {"base_url": "https://erp.example.com", "port": 1, "company": "1"}
    changed = form.submit({"port": "", "username": "me", "password": "p"})
    assert "port" not in changed.settings


def test_each_wrong_field_is_named() -> None:
    submitted = a_form().submit({"base_url": "erp", "port": "x", "company": " ", "username": 5})
    assert set(submitted.errors) == {"base_url", "port", "company", "username", "password"}


def test_a_reconnect_asks_for_secrets() -> None:
    form = a_form(
        reauthorizes=True, settings={"base_url": "https://erp.example.com"}, login={"username": "me"}
    )
    assert form.asked_settings == []
    assert [one.key for one in form.asked_credentials] == ["password", "otp", "expires_on"]
    submitted = form.submit({"base_url": "https://evil.example.com", "username": "you", "password": "p"})
    assert submitted.settings == {"base_url": "https://erp.example.com"}
    assert submitted.credentials == {"username": "me", "password": "p"}


def test_the_day_on_which_credentials_end_is_a_day() -> None:
    typed = {"base_url": "https://erp.example.com", "username": "me", "password": "p"}
    submitted = a_form().submit({**typed, "expires_on": " 2027-03-31 "})
    assert submitted.credentials["expires_on"] == "2027-03-31"
    wrong = a_form().submit({**typed, "expires_on": "next spring"})
    assert wrong.errors == {"expires_on": "Please enter a day such as 2027-03-31."}


def test_a_reconnect_asks_for_what_is_not_known() -> None:
    assert [one.key for one in a_form(reauthorizes=True).asked_credentials] == [
        "username",
        "password",
        "otp",
        "expires_on",
    ]


def test_a_vendor_fills_in_settings_alone() -> None:
    settings, errors = given_settings(MANIFEST, {"port": 80, "password": "p", "base_url": "x"})
    assert settings == {"port": 80}
    assert set(errors) == {"password", "base_url"}


@pytest.mark.parametrize(
    ("setting", "value", "parsed"),
    [
        ({"type": "boolean"}, "true", True),
        ({"type": "boolean"}, None, False),
        ({"type": "boolean"}, True, True),
        ({"type": "choice", "choices": ["a", "b"]}, "b", "b"),
        ({"type": "timezone"}, "Europe/Berlin", "Europe/Berlin"),
        ({"type": "string", "optional": True}, "  ", None),
        ({"type": "string", "pattern": "[a-z]+"}, "abc", "abc"),
    ],
)
def test_settings_of_each_type(setting: dict[str, Any], value: Any, parsed: Any) -> None:
    assert parse_setting(Setting.model_validate({"key": "k", "title": "K"} | setting), value) == parsed


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ({"type": "choice", "choices": ["a"]}, "b"),
        ({"type": "timezone"}, "Mars/Olympus"),
        ({"type": "string", "pattern": "[a-z]+"}, "abc1"),
        ({"type": "string"}, "a\x00b"),
        ({"type": "string"}, "x" * 5000),
        ({"type": "string"}, ["a"]),
        ({"type": "url"}, "https://user:pass@erp.example.com"),
        ({"type": "url"}, "https://[broken"),
        ({"type": "integer"}, "1.5"),
    ],
)
def test_what_does_not_fit_a_setting(setting: dict[str, Any], value: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_setting(Setting.model_validate({"key": "k", "title": "K"} | setting), value)
