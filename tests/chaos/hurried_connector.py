"""The connector with leases of seconds instead of minutes, so that a test can wait for their end.

Where CHAOS_FREEZE names a folder in which there is a file `armed`, the process that is about to publish a
page of products freezes itself (SIGSTOP), as a long pause of its machine would do, and leaves a file
`frozen` with its pid and the ids of that page.
"""

import os
import signal
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson

from lineshaft.common.service import main
from lineshaft.connector.adapters import commands, sessions, syncs
from lineshaft.connector.app import NAME, build
from lineshaft.connector.domain.protocol import Page
from lineshaft.connector.settings import ConnectorSettings
from lineshaft.connector.workers import syncing
from lineshaft.connector.workers.slice import Slice

LEASE = timedelta(seconds=4)
OBJECT = "product.product"


def freeze_before_publishing(folder: Path) -> None:
    publish = Slice._publish_page
    armed, frozen = folder / "armed", folder / "frozen"

    def wait_to_be_thawed(page: Page) -> None:
        armed.unlink()
        ids = [orjson.loads(bytes(record))["id"] for record in page.records]
        frozen.write_bytes(orjson.dumps({"pid": os.getpid(), "ids": ids}))
        os.kill(os.getpid(), signal.SIGSTOP)

    async def hesitant(self: Slice, page: Page) -> Any:
        if self._lease.job.object == OBJECT and page.records and armed.exists():
            wait_to_be_thawed(page)
        await publish(self, page)

    Slice._publish_page = hesitant  # type: ignore[method-assign]  # the fault itself


if __name__ == "__main__":
    syncs.LEASE = LEASE
    sessions.LOGIN_LEASE = LEASE
    commands.LEASE = LEASE
    syncing.HEARTBEAT_SECONDS = LEASE.total_seconds() / 4
    if "CHAOS_FREEZE" in os.environ:
        freeze_before_publishing(Path(os.environ["CHAOS_FREEZE"]))
    main(NAME, ConnectorSettings, build)
