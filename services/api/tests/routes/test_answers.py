"""What all answers have in common."""

import pytest

from .conftest import CREDENTIALS, SETTINGS, World

pytestmark = pytest.mark.integration

SHAPE = {"type", "title", "status", "detail", "code", "request_id"}


async def test_an_unknown_route_is_a_problem(world: World) -> None:
    answer = await world.http.get("/v1/weather")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert set(body) == SHAPE
    assert (body["status"], body["code"]) == (404, "not_found")


async def test_a_wrong_method_is_a_problem(world: World) -> None:
    answer = await world.http.put("/v1/systems")
    assert (answer.status_code, answer.json()["code"]) == (405, "not_supported")
    assert answer.headers["allow"] == "GET"
    several = await world.http.put("/v1/connections/con_1")
    assert several.headers["allow"] == "DELETE, GET, PATCH"


async def test_each_error_names_its_field(world: World) -> None:
    answer = await world.call("POST", "/webhook-endpoints", {"url": 5, "event_types": "all", "colour": "red"})
    body = answer.json()
    assert set(body) == SHAPE | {"errors"}
    assert {one["field"] for one in body["errors"]} == {"url", "event_types", "colour"}


async def test_what_is_no_json_is_a_problem(world: World) -> None:
    answer = await world.http.post(
        "/v1/webhook-endpoints",
        content=b"{",
        headers={"Authorization": f"Bearer {world.admin_key}", "content-type": "application/json"},
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    (error,) = answer.json()["errors"]
    assert error["field"] == "body"
    assert error["message"].startswith("is not JSON: ")
    assert error["message"].endswith(", at character 1")


async def test_each_error_says_how_to_mend_it(world: World) -> None:
    endpoint = await world.call(
        "POST", "/webhook-endpoints", {"url": "https://a.example.com", "colour": "red"}
    )
    told = {one["field"]: one["message"] for one in endpoint.json()["errors"]}
    assert told["colour"].startswith("is not known here; there is url, description, event_types")
    for body, field, message in ([], "body", "has to be a JSON object"), ({}, "url", "is required"):
        answer = await world.call("POST", "/webhook-endpoints", body)
        assert answer.json()["detail"] == f"{field}: {message}"


async def test_a_connection_is_named_where_one_is_concerned(world: World) -> None:
    answer = await world.call("GET", "/connections/con_nobody")
    assert answer.json()["connection_id"] == "con_nobody"
    connection_id, token = await world.connect()
    for method, path, body, key in (
        ("POST", f"/connections/{connection_id}/syncs", {"mode": "sideways"}, world.admin_key),
        ("GET", f"/connections/{connection_id}/mappings/meter", None, world.admin_key),
        ("GET", "/meta/meter", None, token),
        ("POST", "/meters", {"name": "x"}, token),
    ):
        answer = await world.call(method, path, body, key=key)
        assert answer.is_client_error
        assert answer.json()["connection_id"] == connection_id, path


async def test_the_request_id_goes_round(world: World) -> None:
    given = await world.http.get("/v1/weather", headers={"X-Request-Id": "abc-123"})
    assert given.headers["x-request-id"] == "abc-123"
    assert given.json()["request_id"] == "abc-123"
    refused = await world.http.get("/v1/weather", headers={"X-Request-Id": "a b\tc"})
    assert refused.headers["x-request-id"].startswith("req_")


@pytest.mark.parametrize("text", [r"a\u0000b", r"\ud800"])
async def test_text_that_cannot_be_stored_is_a_problem(world: World, text: str) -> None:
    for body in ('{"system": "tryton", "metadata": {"note": "%s"}}', '{"system": "tryton", "label": "%s"}'):
        answer = await world.http.post(
            "/v1/link-sessions",
            content=(body % text).encode(),
            headers={"Authorization": f"Bearer {world.admin_key}", "content-type": "application/json"},
        )
        assert answer.status_code == 422, answer.text
    nested = await world.http.get(
        "/v1/connections/a%00b", headers={"Authorization": f"Bearer {world.admin_key}"}
    )
    assert nested.status_code == 422


async def test_a_body_that_is_too_large_is_refused(world: World) -> None:
    answer = await world.call("POST", "/link-sessions", {"label": "x" * 2_000_000})
    assert answer.status_code == 413
    assert answer.json()["code"] == "validation_failed"


async def test_the_pages_have_no_script_and_no_other_host(world: World) -> None:
    page = await world.http.get("/docs")
    assert page.status_code == 200
    assert "<script" not in page.text
    assert "http://" not in page.text
    assert "https://" not in page.text
    assert "problem-reauthorization-required" in page.text
    assert (await world.http.get("/static/lineshaft.css")).headers["content-type"].startswith("text/css")


async def test_every_answer_is_declared(world: World) -> None:
    description = (await world.http.get("/openapi.json")).json()
    problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
    assert "Problem" in description["components"]["schemas"]
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            declared = operation["responses"]
            assert {"422", "500", "503"} <= set(declared), (method, path)
            assert declared["422"]["content"]["application/problem+json"] == problem, (method, path)
            if path.startswith("/v1"):
                assert {"401", "403", "429"} <= set(declared), (method, path)


async def test_a_customer_gets_a_page_even_for_a_failure(world: World) -> None:
    page = await world.open_page()
    connector = world.pools["connector"]
    await connector.execute("alter table credential rename to credential_away")
    try:
        failed = await world.http.post(page, data=SETTINGS | CREDENTIALS)
        assert failed.status_code == 503
        assert failed.headers["content-type"].startswith("text/html")
        assert failed.headers["retry-after"] == "5"
        assert "correct horse" not in failed.text
        program = await world.http.post(
            page, data=SETTINGS | CREDENTIALS, headers={"Accept": "application/json"}
        )
        assert program.headers["content-type"] == "application/problem+json"
    finally:
        await connector.execute("alter table credential_away rename to credential")
    assert (await world.http.get(page)).status_code == 200


async def test_what_is_shown_once_is_kept_nowhere(world: World) -> None:
    answer = await world.call("GET", "/systems")
    assert answer.headers["cache-control"] == "no-store"


async def test_requests_are_counted_by_route(world: World) -> None:
    await world.call("GET", "/connections/con_nobody/status")
    metrics = (await world.http.get("/metrics")).text
    assert (
        'lineshaft_http_requests_total{method="GET",'
        'route="/v1/connections/{connection_id}/status",status="404"}'
    ) in metrics
    assert "con_nobody" not in metrics
