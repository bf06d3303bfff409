"""One of several connectors that read from the same connection all the time; says what came of it."""

import argparse
import asyncio
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, cast

import orjson

from lineshaft.common.encryption import KeyRing
from lineshaft.common.http.addresses import AddressPolicy
from lineshaft.common.integrations import Catalog
from lineshaft.common.postgres.pool import create_pool
from lineshaft.connector.adapters.credentials import Credentials
from lineshaft.connector.adapters.http import SourceHttp
from lineshaft.connector.adapters.networks import Networks
from lineshaft.connector.domain.evidence import SourceFailureError
from lineshaft.connector.workers.tools import Tools

if TYPE_CHECKING:
    from lineshaft.common.kafka.producer import Producer


async def read(options: argparse.Namespace) -> Counter[str]:
    keys = KeyRing.parse(options.keys)
    pool = await create_pool(options.dsn, size=4, service="connector")
    http = SourceHttp(AddressPolicy(["127.0.0.0/8"]))
    tools = Tools(
        pool=pool,
        producer=cast("Producer", None),
        catalog=Catalog.load(options.integrations),
        keys=keys,
        networks=Networks(http),
        credentials=Credentials(keys),
    )
    found: Counter[str] = Counter()
    ends = time.monotonic() + options.seconds
    while time.monotonic() < ends:
        source = await tools.open_in_force(options.connection)
        if source is None:
            raise RuntimeError("there are no credentials in force")
        try:
            await source.adapter.read("parts", ["id"], None, 1)
            found["ok"] += 1
            await asyncio.sleep(0.01)
        except SourceFailureError as failure:
            found[f"{failure.evidence.outcome}/{failure.evidence.code}"] += 1
    await http.close()
    await pool.close()
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--dsn", required=True)
    parser.add_argument("--keys", required=True)
    parser.add_argument("--integrations", type=Path, required=True)
    parser.add_argument("--connection", required=True)
    parser.add_argument("--seconds", type=float, required=True)
    sys.stdout.buffer.write(orjson.dumps(asyncio.run(read(parser.parse_args()))))
