from lineshaft.common.integrations.oauth import OAUTH_STRATEGIES
from lineshaft.common.integrations.strategies import HTTP_STRATEGIES, STRATEGIES
from lineshaft.connector.adapters.protocols import PROTOCOLS
from lineshaft.connector.adapters.protocols.rest_requests import STRATEGIES as KNOWN


def test_what_manifests_may_name_is_what_the_connector_knows() -> None:
    assert set(STRATEGIES) == set(PROTOCOLS)
    assert set(HTTP_STRATEGIES) == {*KNOWN, *OAUTH_STRATEGIES}
