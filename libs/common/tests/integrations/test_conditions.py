from typing import Any

import pytest

from lineshaft.common.integrations.conditions import When
from lineshaft.common.outcomes import Operation

BODY = {"error": ["UserError", ["No access", "Within groups: Stock"]]}


@pytest.mark.parametrize(
    ("condition", "fits"),
    [
        ({}, True),
        ({"status": 200}, True),
        ({"status": 401}, False),
        ({"operation": "read"}, True),
        ({"operation": "write"}, False),
        ({"content_type": "application/json"}, True),
        ({"content_type": "text/html"}, False),
        ({"header": "Retry-After"}, True),
        ({"header": "X-Other"}, False),
        ({"path": "error"}, True),
        ({"path": "fault"}, False),
        ({"path": "error.0", "equals": "UserError"}, True),
        ({"path": "error.0", "equals": "Other"}, False),
        ({"path": "fault", "equals": None}, True),
        ({"path": "error.1.1", "starts_with": "Within groups"}, True),
        ({"path": "error.1", "starts_with": "Within"}, False),
        ({"status": 200, "path": "error.0", "equals": "UserError", "operation": "write"}, False),
    ],
)
def test_all_that_is_given_has_to_hold(condition: dict[str, Any], fits: bool) -> None:  # noqa: FBT001  a parameter of the test
    headers = {"content-type": "application/json; charset=utf-8", "retry-after": "5"}
    assert When(**condition).fits(200, BODY, Operation.READ, headers) is fits


@pytest.mark.parametrize("body", ["<html>", None, b"", []])
def test_a_body_that_is_no_object_has_no_places(body: Any) -> None:
    assert not When(path="error").fits(200, body)
    assert When(status=200).fits(200, body)
