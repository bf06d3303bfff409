"""What a claim says of somebody, in the forms that providers give it."""

from typing import Any

import pytest

from lineshaft.api.domain.oidc import RoleRules
from lineshaft.api.domain.sign_in import Role

RULES = RoleRules("realm.roles", {Role.EDITOR: {"ops", "True"}, Role.VIEWER: {"staff"}})


@pytest.mark.parametrize(
    ("held", "role"),
    [
        (["staff", "ops"], Role.EDITOR),
        ("staff", Role.VIEWER),
        ({"ops": {"organization": "4711"}}, Role.EDITOR),
        (True, Role.EDITOR),
        (7, None),
        ([], None),
        (None, None),
    ],
)
def test_a_list_a_text_an_object_and_a_flag_are_understood(held: Any, role: Role | None) -> None:
    assert RULES.role_of({"realm": {"roles": held}}) is role
    assert RULES.role_of({"realm.roles": held}) is role, "a name may have a dot of its own"


def test_without_the_claim_nobody_has_a_role() -> None:
    assert RULES.role_of({"realm": "plant"}) is None
