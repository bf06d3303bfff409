import pytest
from starlette.routing import Match

from lineshaft.api.routes import health
from lineshaft.api.routes.data import data_router
from lineshaft.api.routes.thin import ThinRoutes

ROUTES = ThinRoutes([*health.router.routes, *data_router().routes])


def found(method: str, path: str) -> tuple[Match, str | None, dict[str, str]]:
    match, scope = ROUTES.matches({"type": "http", "method": method, "path": path, "root_path": ""})
    route = scope.get("route")
    return match, route.path if route else None, scope.get("path_params", {})


@pytest.mark.parametrize(
    ("path", "route", "parts"),
    [
        ("/v1/work-orders", "/v1/work-orders", {}),
        ("/v1/work-orders/abc", "/v1/work-orders/{entity_id}", {"entity_id": "abc"}),
        (
            "/v1/connections/con_1/status",
            "/v1/connections/{connection_id}/status",
            {"connection_id": "con_1"},
        ),
    ],
)
def test_a_hot_read_is_found_before_all_others(path: str, route: str, parts: dict[str, str]) -> None:
    assert found("GET", path) == (Match.FULL, route, parts)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/work-orders"),
        ("PATCH", "/v1/work-orders/abc"),
        ("GET", "/v1/work-orders/abc/more"),
        ("GET", "/v1/connections/con_1/timeline"),
        ("GET", "/v1/connections/con_1"),
        ("GET", "/v1/systems"),
        ("GET", "/v1"),
        ("GET", "/"),
    ],
)
def test_the_others_are_left_to_the_others(method: str, path: str) -> None:
    assert found(method, path)[0] is Match.NONE
