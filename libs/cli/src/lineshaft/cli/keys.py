"""`lineshaft keys new|rotate`: encryption keys of secrets at rest."""

import asyncio
import os
import time
from dataclasses import dataclass
from datetime import date
from typing import Annotated

import typer

from lineshaft.common.encryption import KeyRing, new_key
from lineshaft.common.postgres.pool import Pool, create_pool
from lineshaft.common.settings import Settings

VARIABLE = "LINESHAFT_SECRET_KEYS"
LOOK_SECONDS = 0.5
STUCK_SECONDS = 30.0

_USAGE = """
select table_name, key_id, rows from connector.key_usage_view
union all select table_name, key_id, rows from notifier.key_usage_view
union all select table_name, key_id, rows from api.key_usage_view
order by table_name
"""

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Encryption keys of stored secrets.")


@dataclass(frozen=True, slots=True)
class Progress:
    """Rows of one table under the active key, and all of them."""

    table: str
    done: int
    rows: int

    def __str__(self) -> str:
        return f"{self.table} {self.done}/{self.rows}"


@app.command()
def new(
    key_id: Annotated[str | None, typer.Argument(help="Its name; today's date where there is none.")] = None,
) -> None:
    """Print a fresh key, as LINESHAFT_SECRET_KEYS takes it."""
    typer.echo(new_key(key_id or f"k{date.today():%Y%m%d}"))  # noqa: DTZ011  a name, not a moment


@app.command()
def rotate(
    to: Annotated[
        str | None,
        typer.Option(help="Id of the active key; the first of LINESHAFT_SECRET_KEYS if not given."),
    ] = None,
    seconds: Annotated[float | None, typer.Option(help="Give up after this long.")] = None,
) -> None:
    """Show how far the services are, until every stored secret is under the active key.

    Needs LINESHAFT_POSTGRES_DSN of the role lineshaft_api, which sees counts only.
    """
    active = to or _first_key()
    deadline = None if seconds is None else time.monotonic() + seconds
    if not asyncio.run(_follow(active, deadline)):
        typer.echo("there are still rows under other keys", err=True)
        raise typer.Exit(1)
    typer.echo(
        f"every stored secret is under {active}; "
        "once no process runs with another key first, the other keys can be removed"
    )


def _first_key() -> str:
    written = os.environ.get(VARIABLE)
    if not written:
        raise typer.BadParameter(f"name the active key with --to, or set {VARIABLE}")
    return KeyRing.parse(written).active


async def _follow(active: str, deadline: float | None) -> bool:
    """Prints what has changed; whether all rows are under the active key."""
    pool = await create_pool(Settings().postgres_dsn.get_secret_value(), size=1, service="cli")
    shown: list[Progress] = []
    changed_at = time.monotonic()
    try:
        while True:
            progress = await _progress(pool, active)
            for one in progress:
                if one not in shown:
                    typer.echo(str(one))
                    changed_at = time.monotonic()
            shown = progress
            if all(one.done == one.rows for one in progress):
                return True
            if deadline is not None and time.monotonic() > deadline:
                return False
            if time.monotonic() - changed_at > STUCK_SECONDS:
                typer.echo("nothing moves; the services' logs say why: secrets_unreadable", err=True)
                changed_at = time.monotonic()
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        await pool.close()


async def _progress(pool: Pool, active: str) -> list[Progress]:
    tables: dict[str, Progress] = {}
    for row in await pool.fetch(_USAGE):
        name, rows = row["table_name"], row["rows"]
        before = tables.get(name, Progress(name, 0, 0))
        done = before.done + (rows if row["key_id"] == active else 0)
        tables[name] = Progress(name, done, before.rows + rows)
    return list(tables.values())
