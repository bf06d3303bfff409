import base64

import pytest

from lineshaft.common.encryption import KeyRing, UnreadableSecretError, key_id_of
from lineshaft.common.errors import ConfigurationError

OLD, NEW = (base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2))


def test_a_secret_opens_for_its_own_row_only() -> None:
    ring = KeyRing.parse(f"k1:{OLD}")
    sealed = ring.seal(b"hunter2", bound_to="credential/a/1")
    assert b"hunter2" not in sealed
    assert ring.open(sealed, bound_to="credential/a/1") == b"hunter2"
    with pytest.raises(UnreadableSecretError):
        ring.open(sealed, bound_to="credential/b/1")


def test_the_first_key_seals_and_every_key_opens() -> None:
    sealed = KeyRing.parse(f"k1:{OLD}").seal(b"x", bound_to="row")
    both = KeyRing.parse(f"k2:{NEW}, k1:{OLD}")
    assert both.open(sealed, bound_to="row") == b"x"
    assert key_id_of(both.seal(b"x", bound_to="row")) == "k2"
    with pytest.raises(UnreadableSecretError, match="'k1'"):
        KeyRing.parse(f"k2:{NEW}").open(sealed, bound_to="row")


@pytest.mark.parametrize("text", ["", "k1", "k1:not base64!", "k1:c2hvcnQ=", f":{OLD}"])
def test_a_key_list_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="LINESHAFT_SECRET_KEYS"):
        KeyRing.parse(text)
