from lineshaft.common.logs import HIDDEN, redact


def test_secrets_are_hidden_by_name_and_by_form() -> None:
    assert redact(
        {
            "password": "hunter2",
            "api_key": "k",
            "Authorization": "Bearer x",
            "nested": [{"refresh_token": "t"}],
            "text": "with lsa_0123456789abcdef in it",
            "dsn": "postgresql://user:pass@host/db",
            "connection_id": "con_1",
            "count": 3,
        },
    ) == {
        "password": HIDDEN,
        "api_key": HIDDEN,
        "Authorization": HIDDEN,
        "nested": [{"refresh_token": HIDDEN}],
        "text": f"with {HIDDEN} in it",
        "dsn": f"postgresql://{HIDDEN}@host/db",
        "connection_id": "con_1",
        "count": 3,
    }
