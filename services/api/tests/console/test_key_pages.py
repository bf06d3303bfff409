import re

import pytest

from services.api.tests.routes.conftest import World

from .conftest import Reader

pytestmark = pytest.mark.integration

SECRET = re.compile(r"<code>(lsa_\w+)</code>").search
ROTATE = re.compile(r"/console/keys/(key_\w+)/rotate").findall


async def made(editor: Reader, **fields: object) -> str:
    answer = await editor.send(
        "/console/keys", {"name": "billing", "scopes": ["read"], "days": "30"} | fields
    )
    found = SECRET(answer.text)
    assert found, answer.text
    return found.group(1)


async def test_a_key_is_made_rotated_and_revoked(editor: Reader, world: World) -> None:
    key = await made(editor)
    assert (await world.call("GET", "/connections", key=key)).status_code == 200
    page = (await editor.get("/console/keys")).text
    assert key not in page
    assert "in the settings" in page
    key_id = ROTATE(page)[-1]
    answer = await editor.send(f"/console/keys/{key_id}/rotate", {"hours": "24"})
    new = SECRET(answer.text)
    assert new
    assert (await world.call("GET", "/connections", key=new.group(1))).status_code == 200
    assert (await world.call("GET", "/connections", key=key)).status_code == 200
    await editor.send(f"/console/keys/{key_id}/revoke")
    assert (await world.call("GET", "/connections", key=key)).status_code == 401


async def test_what_is_wrong_is_said_beside_the_field(editor: Reader) -> None:
    answer = await editor.send("/console/keys", {"name": "billing"})
    assert (answer.status_code, "Choose at least one" in answer.text) == (422, True)


@pytest.mark.parametrize("days", ["0", "a year", "9" * 5000])
async def test_a_key_whose_end_is_not_understood_is_not_made(editor: Reader, days: str) -> None:
    answer = await editor.send("/console/keys", {"name": "billing", "scopes": ["read"], "days": days})
    assert (answer.status_code, SECRET(answer.text)) == (422, None)
    assert "is a whole number of days" in answer.text


async def test_a_viewer_sees_the_keys_and_no_button(viewer: Reader) -> None:
    page = (await viewer.get("/console/keys")).text
    assert "LINESHAFT_ADMIN_KEY" in page
    assert "New key" not in page


@pytest.mark.parametrize(
    ("scopes", "role"), [(["read"], "viewer"), (["read", "connect", "manage"], "editor"), (["connect"], None)]
)
async def test_a_key_signs_in_as_what_its_scopes_allow(
    editor: Reader, world: World, scopes: list[str], role: str | None
) -> None:
    key = await made(editor, scopes=scopes)
    await editor.send("/console/sign-out")
    answer = await editor.sign_in(key)
    assert answer.status_code == (401 if role is None else 303)
    if role is not None:
        assert f'<span class="role">{role}</span>' in (await editor.get("/console")).text
