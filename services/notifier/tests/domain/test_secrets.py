from datetime import UTC, datetime, timedelta

from lineshaft.notifier.domain.secrets import StoredSecret, in_force

START = datetime(2026, 1, 5, 8, tzinfo=UTC)
DAY = timedelta(hours=24)


def a_secret(name: str, hours: float, expires_hours: float | None = None) -> StoredSecret:
    expires = START + timedelta(hours=expires_hours) if expires_hours is not None else None
    return StoredSecret(name, "whe_1", b"", START + timedelta(hours=hours), expires)


def names(secrets: list[StoredSecret], hours: float) -> list[str]:
    return [one.secret_id for one in in_force(secrets, START + timedelta(hours=hours), DAY)]


def test_the_newest_signs_first() -> None:
    assert names([a_secret("old", 0), a_secret("new", 10)], 11) == ["new", "old"]


def test_an_old_one_ends_after_the_overlap() -> None:
    secrets = [a_secret("old", 0), a_secret("new", 10)]
    assert names(secrets, 33.9) == ["new", "old"]
    assert names(secrets, 34) == ["new"]


def test_an_older_one_ends_by_its_own_successor() -> None:
    assert names([a_secret("first", 0), a_secret("second", 1), a_secret("third", 20)], 26) == [
        "third",
        "second",
    ]


def test_an_end_of_its_own_is_kept() -> None:
    assert names([a_secret("leaked", 0, expires_hours=1), a_secret("new", 1)], 2) == ["new"]
    assert names([a_secret("only", 0, expires_hours=1)], 2) == []
