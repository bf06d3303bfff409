"""A viewer sees every page, is told what they are, and finds nothing that they could change."""

from collections.abc import Iterator
from html.parser import HTMLParser

import pytest

from services.api.tests.routes.conftest import World

from .conftest import Reader
from .page_times import paths
from .seeding import seed

pytestmark = pytest.mark.integration

OWN = {"/console/theme", "/console/sign-out"}
"""What concerns the viewer alone."""
CONTROLS = {"button", "input", "select", "textarea"}


class Forms(HTMLParser):
    """Controls of changing forms that can be used."""

    def __init__(self) -> None:
        super().__init__()
        self.usable: list[str] = []
        self._form: str | None = None
        self._disabled: list[bool] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form" and given.get("method") == "post":
            self._form = given.get("action")
        if tag == "fieldset":
            self._disabled.append("disabled" in given)
        is_hidden = given.get("type") == "hidden"
        asks = tag in CONTROLS and not is_hidden and "disabled" not in given and not any(self._disabled)
        if asks and self._form is not None and self._form not in OWN:
            self.usable.append(f"{self._form}: {tag} {given.get('name')}")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        if tag == "fieldset":
            self._disabled.pop()


def usable(page: str) -> Iterator[str]:
    forms = Forms()
    forms.feed(page)
    yield from forms.usable


async def test_nothing_can_be_changed_and_each_page_says_why(viewer: Reader, world: World) -> None:
    ids = await seed(world)
    endpoint = await world.call("POST", "/webhook-endpoints", {"url": "https://product.example.com/hooks"})
    channel = {"name": "Night", "url": "slack://A/B/C", "event_types": ["system.outage"]}
    made = await world.call("POST", "/alert-channels", channel)
    (record,) = await world.pools["mapping"].fetch(
        "select id from record where connection_id = $1 limit 1", ids[2]
    )
    names = {
        "connection_id": ids[2],
        "entity": "item",
        "entity_id": record["id"],
        "endpoint_id": endpoint.json()["id"],
        "channel_id": made.json()["id"],
        "system_id": "tryton",
    }
    found, silent = {}, []
    for path in paths(names):
        answer = await viewer.get(path)
        if wrong := list(usable(answer.text)):
            found[path] = wrong
        if 'class="rail"' in answer.text and "signed in as a viewer" not in answer.text:
            silent.append(path)
    assert (found, silent) == ({}, [])


async def test_the_same_pages_have_controls_for_an_editor(editor: Reader, world: World) -> None:
    ids = await seed(world)
    for path in (f"/console/connections/{ids[0]}/settings", "/console/alerts", "/console/connect/tryton"):
        page = (await editor.get(path)).text
        assert list(usable(page)), path
        assert "signed in as a viewer" not in page
