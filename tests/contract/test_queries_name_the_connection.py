"""A query on customer data takes the connection as an argument: one that forgets it would see all customers.

What is to go over all connections stands in a list here, with the reason.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from lineshaft.tools.stack.layout import find_checkout

ROOT = find_checkout()
FILES = sorted(ROOT.glob("services/*/src/lineshaft/*/adapters/queries.sql"))

OVER_ALL = {
    "api": {
        "keys, by their hash or id": "key key_used install_admin_key end_installed_keys insert_admin_key"
        " admin_key lock_admin_key admin_keys end_admin_key console_session",
        "the fleet, for operators": "fleet connections fleet_status open_outages drift",
        "a customer's visit, by its secret or id": "link_session choose_system lock_link_session"
        " submit_link_session"
        " reopen_link_session await_choice forget_samples complete_link_session code_of_session"
        " exchange_code",
        "a command or its receipt, by its id": "command complete_command complete_purge",
        "endpoints, channels and registrations, which are the vendor's": "webhook_endpoint webhook_endpoints"
        " deliveries delivery replays replay_state alert_channel alert_channels alert_messages oauth_client",
        "what is old": "give_up_choices forget_link_sessions forget_commands",
    },
    "connector": {
        "what is due next, of whomever": "job_pick schedule_due command_lease",
        "figures": "job_counts oldest_due_job",
        "a sync, by its id": "sync_requesters",
        "what is old": "credential_drop_forgotten forget_late_credentials forget_commands forget_syncs"
        " networks_forget budgets_forget",
    },
    "health-monitor": {
        "what is due next, of whomever": "find_due",
        "what connections of one source share": "refusing_systems groups all_together down_connections"
        " wake_members wake_left_behind",
        "figures": "count_states count_ages count_issues oldest_reauthorizations count_breakers",
        "what is old": "forget_timeline forget_errors forget_issues",
    },
    "mapping": {
        "what is due next, of whomever": "take_purge",
        "what is old": "old_slices forget_syncs",
    },
    "notifier": {
        "what is due next, of whomever": "next_due take_replay lock_due_channel due_groups next_alert",
        "of an endpoint or channel, which the vendor owns": "cancel_deliveries events_since count_replay"
        " replay_events complete_replay delete_alerts_of put_alerts_in_message alerts_of",
        "deliveries, by their ids": "redeliver release postpone record",
        "figures": "count_due",
        "what is old": "cancel_abandoned forget purge_last_words purge_last_alerts forget_waiting_alerts",
    },
}

_TABLE = re.compile(r"create table (\w+) \((.*?)\n\)", re.DOTALL)
_NAME = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)
_VIEW = re.compile(r"\b(?:connector|health_monitor|mapping|notifier)\.\w+_view\b")
_NAMES_THE_CONNECTION = re.compile(
    r"connection_id\s*=\s*(?:any\()?\$\d"  # compared with an argument
    r"|coalesce\(\$\d, k\.connection_id\)"  # an argument, or the token's own
    r"|unnest\([^;]*?\)[^;]*?\bconnection_id"  # rows of a batch, each with its connection
    r"|insert into \w+(?: as \w+)?\s*\([^)]*\bconnection_id\b",  # a new row of it
    re.DOTALL,
)


def queries(file: Path) -> Iterator[tuple[str, str]]:
    _, *parts = _NAME.split(file.read_text(encoding="utf-8"))
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        yield name, "\n".join(line for line in body.splitlines() if not line.startswith("--"))


def customer_tables(file: Path) -> set[str]:
    """Tables of this service that name a connection."""
    migrations = sorted((file.parent / "migrations").glob("*.sql"))
    found = _TABLE.findall("\n".join(one.read_text(encoding="utf-8") for one in migrations))
    return {name for name, columns in found if re.search(r"^\s+connection_id ", columns, re.MULTILINE)}


def is_about_customers(sql: str, tables: set[str]) -> bool:
    names = "|".join(sorted(tables))
    return bool(re.search(rf"\b(?:from|join|into|update|using)\s+(?:{names})\b", sql) or _VIEW.search(sql))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parts[-6])
def test_every_query_on_customer_data_takes_the_connection(file: Path) -> None:
    tables = customer_tables(file)
    assert tables
    unnamed = {
        name
        for name, sql in queries(file)
        if is_about_customers(sql, tables) and not _NAMES_THE_CONNECTION.search(sql)
    }
    listed = {name for names in OVER_ALL[file.parts[-6]].values() for name in names.split()}
    assert unnamed == listed


def test_the_check_sees_a_query_that_forgets_the_connection() -> None:
    tables = {"record"}
    for sql, named in (
        ("select * from record where id = $1", False),
        ("select * from mapping.entity_view where entity = $1", False),
        ("select * from record where connection_id = $1 and id = $2", True),
        ("insert into record (connection_id, id) values ($1, $2)", True),
        ("delete from record where connection_id = other.connection_id", False),
    ):
        assert is_about_customers(sql, tables)
        assert bool(_NAMES_THE_CONNECTION.search(sql)) is named, sql
