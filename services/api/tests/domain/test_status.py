from typing import Any

import pytest

from lineshaft.api.domain.status import Known
from lineshaft.common.clock import now
from lineshaft.common.events.connections import Lifecycle
from lineshaft.common.outcomes import ConnectionStatus


def known(lifecycle: Lifecycle, document: dict[str, Any] | None) -> Known:
    return Known("con_1", "tryton", lifecycle, 2, now(), now(), {}, document, None, None)


@pytest.mark.parametrize(
    ("lifecycle", "document", "status"),
    [
        (Lifecycle.ACTIVE, None, ConnectionStatus.PENDING),
        (Lifecycle.ACTIVE, {"status": "healthy", "credential_version": 2}, ConnectionStatus.HEALTHY),
        (Lifecycle.ACTIVE, {"status": "healthy", "credential_version": 1}, ConnectionStatus.PENDING),
        (Lifecycle.ACTIVE, {"status": "paused", "credential_version": 2}, ConnectionStatus.PENDING),
        (Lifecycle.PAUSED, {"status": "healthy", "credential_version": 2}, ConnectionStatus.PAUSED),
        (Lifecycle.DISCONNECTED, None, ConnectionStatus.DISCONNECTED),
    ],
)
def test_what_the_monitor_said_before_a_change_no_longer_counts(
    lifecycle: Lifecycle, document: dict[str, Any] | None, status: ConnectionStatus
) -> None:
    assert known(lifecycle, document).status is status
