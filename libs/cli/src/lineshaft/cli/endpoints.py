"""`lineshaft endpoints list|add|remove|test|rotate-secret|deliveries|redeliver|replay`: webhooks."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from lineshaft.cli.access import api
from lineshaft.cli.table import aligned

app = typer.Typer(no_args_is_help=True, help="Webhook endpoints, and what became of each delivery.")
Id = Annotated[str, typer.Argument(help="As `list` shows it.")]


@app.command("list")
def list_endpoints() -> None:
    """All of them, with how they do."""
    with api() as lineshaft:
        found = list(lineshaft.webhook_endpoints.list())
    rows = []
    for one in found:
        fails, off = one["failing_since"], one["disabled_reason"] or ("" if one["enabled"] else "held back")
        state = off or (f"fails since {fails[:16]}" if fails else "works")
        rows.append((one["id"], one["url"], ",".join(one["event_types"]) or "all", state))
    typer.echo(aligned([("endpoint", "url", "events", "state"), *rows]))


@app.command()
def add(
    url: str,
    *,
    event_type: Annotated[list[str] | None, typer.Option(help="Only these; all without one.")] = None,
    description: str = "",
) -> None:
    """A new one; its secret is shown this once."""
    with api() as lineshaft:
        made = lineshaft.webhook_endpoints.create(url, event_types=event_type or (), description=description)
    typer.echo(f"{made['id']}; store the secret, it is shown this once", err=True)
    typer.echo(made["secret"])


@app.command()
def remove(endpoint_id: Id) -> None:
    """Nothing is sent there any more."""
    with api() as lineshaft:
        lineshaft.webhook_endpoints.delete(endpoint_id)


@app.command()
def test(endpoint_id: Id) -> None:
    """Sends an event; `deliveries` tells what came back."""
    with api() as lineshaft:
        typer.echo(lineshaft.webhook_endpoints.test(endpoint_id) or "it is on its way")


@app.command("rotate-secret")
def rotate_secret(endpoint_id: Id) -> None:
    """The new secret; what is sent is signed with the old one, too, for a while."""
    with api() as lineshaft:
        typer.echo(lineshaft.webhook_endpoints.rotate_secret(endpoint_id))


@app.command()
def deliveries(
    endpoint_id: Id,
    *,
    state: Annotated[str | None, typer.Option(help="due, delivered, given_up or cancelled.")] = None,
    limit: Annotated[int, typer.Option(min=1)] = 20,
) -> None:
    """The latest, with what the endpoint answered."""
    with api() as lineshaft:
        listed = lineshaft.webhook_endpoints.deliveries(endpoint_id, state=state)
        for one, _ in zip(listed, range(limit), strict=False):
            answer = one["last_error"] or one["last_status"] or "-"
            about = one["connection_id"] or "-"
            typer.echo(
                f"{one['created_at'][:19]}  {one['event_type']}  {about}  {one['state']}  {answer}"
                f"  {one['delivery_id']}"
            )


@app.command()
def redeliver(delivery_id: Annotated[str, typer.Argument(help="As `deliveries` shows it.")]) -> None:
    """The same event again, with the same `webhook-id`."""
    with api() as lineshaft:
        lineshaft.webhook_endpoints.redeliver(delivery_id)


@app.command()
def replay(
    endpoint_id: Id,
    *,
    hours: Annotated[float, typer.Option(min=0, help="Everything since so many hours ago.")] = 24.0,
    undelivered: Annotated[bool, typer.Option(help="Only what never arrived.")] = False,
) -> None:
    """Sends everything of a time again."""
    since = datetime.now(UTC) - timedelta(hours=hours)
    with api() as lineshaft:
        made = lineshaft.webhook_endpoints.replay(endpoint_id, since, only_undelivered=undelivered)
    typer.echo(made or "it is on its way")
