"""What is set of a connection: its name, the way to its source, and its end."""

from typing import Any

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import Response

from lineshaft.api.adapters.descriptions import described
from lineshaft.api.console.actions import acted
from lineshaft.api.console.connection import ConnectionPath, frame
from lineshaft.api.console.forms import FRESH, Filled
from lineshaft.api.console.notices import Notice, back_to
from lineshaft.api.console.pages import HOME, page
from lineshaft.api.console.visitors import Editor, Form, Signed, Visitor
from lineshaft.api.domain.problems import ProblemError
from lineshaft.api.routes import connections, networks
from lineshaft.api.routes.context import Api, Context
from lineshaft.api.routes.existence import require_connection
from lineshaft.common.whole_numbers import whole_number

router = APIRouter(prefix=HOME + "/connections/{connection_id}")

NETWORK_FIELDS = ("proxy_url", "ca_certificate", "requests_per_minute", "private_networks")
TYPE_AGAIN = "Type the whole address: saving replaces what is stored, and a stored password is never shown."


def _at(connection_id: str) -> str:
    return f"{HOME}/connections/{connection_id}/settings"


@router.get("/settings")
async def show(request: Request, api: Api, visitor: Signed, connection_id: ConnectionPath) -> Response:
    return await _settings(request, api, visitor, connection_id)


@router.post("/rename")
async def rename(api: Api, visitor: Editor, connection_id: ConnectionPath, form: Form) -> Response:
    label = str(form.get("label", "")).strip()[:200]
    change = connections.ConnectionChange(label=label)
    renamed = connections.change(api, visitor.caller, connection_id, change)
    return await acted(_at(connection_id), "Renamed.", renamed)


@router.post("/reading")
async def reading(
    request: Request, api: Api, visitor: Editor, connection_id: ConnectionPath, form: Form
) -> Response:
    """All of them ticked is all that the system offers, later too."""
    system = (await frame(api, visitor, await require_connection(api.pool, connection_id)))["system"]
    ticked = {str(one) for one in form.getlist("objects")}
    offered = system.objects_for() if system else ()
    chosen = [name for name in offered if name in ticked]
    if not chosen:
        filled = Filled({"objects": []}, {"objects": "Choose at least one."})
        return await _settings(request, api, visitor, connection_id, filled)
    change = connections.ConnectionChange(objects=None if len(chosen) == len(offered) else chosen)
    words = "Saved. What was added is read by the next sync; Sync now reads it at once."
    return await acted(
        _at(connection_id), words, connections.change(api, visitor.caller, connection_id, change)
    )


@router.post("/network")
async def network(
    request: Request, api: Api, visitor: Editor, connection_id: ConnectionPath, form: Form
) -> Response:
    typed = {name: str(form.get(name, "")).strip() for name in ("way", *NETWORK_FIELDS)}
    if typed["way"] == "proxy" and not typed["proxy_url"]:
        filled = Filled(typed, {"proxy_url": TYPE_AGAIN})
        return await _settings(request, api, visitor, connection_id, filled)
    given: dict[str, Any] = {name: typed[name] for name in NETWORK_FIELDS if typed[name]}
    if typed["way"] != "proxy":
        given.pop("proxy_url", None)
    if (per_minute := whole_number(typed["requests_per_minute"], most=10**9)) is not None:
        given["requests_per_minute"] = per_minute
    given["private_networks"] = typed["private_networks"].replace(",", " ").split()
    try:
        body = networks.NetworkSettings.model_validate(given)
        await networks.put(api, visitor.caller, connection_id, body)
    except (ProblemError, ValidationError) as error:
        return await _settings(request, api, visitor, connection_id, Filled.refused(typed, error))
    words = "Saved. Calls to the source use it within a minute; Diagnose on the overview tries it at once."
    return back_to(_at(connection_id), Notice("done", words))


@router.post("/disconnect")
async def disconnect(api: Api, visitor: Editor, connection_id: ConnectionPath) -> Response:
    words = "Disconnected. The credentials are forgotten, the records stay; a reconnect link brings it back."
    disconnected = connections.disconnect(api, visitor.caller, connection_id)
    return await acted(f"{HOME}/connections/{connection_id}", words, disconnected)


@router.post("/delete")
async def delete(
    request: Request, api: Api, visitor: Editor, connection_id: ConnectionPath, form: Form
) -> Response:
    """Its address shows the receipts from now on."""
    connection = await require_connection(api.pool, connection_id)
    name = (await frame(api, visitor, connection))["name"]
    typed = str(form.get("name", ""))
    if typed.split() != name.split():
        filled = Filled({"name": typed}, {"name": f"Type {name}, exactly as it stands above."})
        return await _settings(request, api, visitor, connection_id, filled)
    await connections.delete(api, visitor.caller, connection_id)
    return back_to(f"{HOME}/connections/{connection_id}")


async def _settings(
    request: Request, api: Context, visitor: Visitor, connection_id: str, filled: Filled = FRESH
) -> Response:
    connection = await require_connection(api.pool, connection_id)
    stored = await networks.get(api, visitor.caller, connection_id)
    shown = await frame(api, visitor, connection)
    fresh = {
        "way": "proxy" if stored.proxy else "straight",
        "proxy_url": "",
        "ca_certificate": stored.ca_certificate or "",
        "requests_per_minute": stored.requests_per_minute or "",
        "private_networks": "\n".join(stored.private_networks),
        "name": "",
        "objects": connection.objects,
    }
    return page(
        request,
        "connection_settings.html",
        **shown,
        offered=shown["system"].objects_for() if shown["system"] else (),
        described={row["object"]: row for row in await described(api.pool, connection_id)},
        network=stored,
        speaks_http=shown["system"] is None or shown["system"].manifest.protocol != "sql",
        **filled.shown(fresh),
    )
