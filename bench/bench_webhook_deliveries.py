"""Durable signed deliveries a second by one notifier on one core, each with its attempt logged.

The backlog is in Postgres before the notifier starts. One endpoint may be slow beside the others
(`SLOW=1`). The receiver is a bare asyncio server in its own process. Prints one JSON object.
"""

import asyncio
import base64
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from lineshaft.common.clock import now
from lineshaft.common.encryption import KeyRing
from lineshaft.common.kafka.create_topics import create_topics
from lineshaft.common.postgres.bootstrap import bootstrap
from lineshaft.common.postgres.migrate import migrate
from lineshaft.common.postgres.pool import Pool, create_pool
from lineshaft.notifier.adapters import postgres
from lineshaft.notifier.adapters.postgres import Told
from lineshaft.tools.stack.infrastructure import Infrastructure
from lineshaft.tools.stack.layout import Layout
from lineshaft.tools.stack.ports import free_port
from lineshaft.tools.stack.progress import Progress

DELIVERIES = int(os.environ.get("DELIVERIES", "20000"))
ENDPOINTS = int(os.environ.get("ENDPOINTS", "20"))
SLOW = os.environ.get("SLOW") == "1"
PASSWORD = "bench"  # noqa: S105  of a database that lives as long as this run
KEYS = "bench:" + base64.b64encode(b"s" * 32).decode()
RECEIVER = """
import asyncio, sys
async def serve(reader, writer):
    try:
        while True:
            head = await reader.readuntil(b"\\r\\n\\r\\n")
            length = int(head.lower().split(b"content-length:")[1].split(b"\\r\\n")[0])
            await reader.readexactly(length)
            if head.startswith(b"POST /slow"):
                await asyncio.sleep(5)
            writer.write(b"HTTP/1.1 204 No Content\\r\\n\\r\\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()
async def main():
    async with await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1])) as server:
        await server.serve_forever()
asyncio.run(main())
"""


async def fill(pool: Pool, port: int) -> None:
    ring = KeyRing.parse(KEYS)
    names = [f"whe_{number}" for number in range(ENDPOINTS)] + (["whe_slow"] if SLOW else [])
    for name in names:
        secret = ("whsec_" + base64.b64encode(b"k" * 32).decode()).encode()
        sealed = ring.seal(secret, bound_to=f"webhook_secret/{name}/sec_{name}")
        path = "slow" if name == "whe_slow" else name
        async with pool.acquire() as tx:
            await tx.execute(
                "insert into webhook_secret (secret_id, endpoint_id, sealed) values ($1, $2, $3)",
                f"sec_{name}",
                name,
                sealed,
            )
            await tx.execute(
                "insert into endpoint values ($1, $2, '{}', '{}', true, false, 1, now(), now())",
                name,
                f"http://127.0.0.1:{port}/{path}",
            )
    data = {"connection_id": "con_1", "system": "bench", "metadata": {}, "verdict": {"summary": "x" * 600}}
    for start in range(0, DELIVERIES, 1000):
        numbers = range(start, min(start + 1000, DELIVERIES))
        told = [Told(f"evt_{number}", "connection.recovered", "con_1", now(), data) for number in numbers]
        pairs = [
            (names[number % len(names)], f"evt_{number}", "connection.recovered", "con_1")
            for number in numbers
        ]
        async with pool.acquire() as tx, tx.transaction():
            await postgres.add_events(tx, told)
            await postgres.add_deliveries(tx, pairs, now())
    await pool.execute("analyze")


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def measure(infrastructure: Infrastructure) -> dict[str, Any]:
    await bootstrap(infrastructure.postgres.dsn, PASSWORD)
    await create_topics(infrastructure.kafka.bootstrap_servers, "lineshaft.", 1)
    dsn = infrastructure.postgres.dsn_for("lineshaft_notifier", PASSWORD)
    pool = await create_pool(dsn, size=2, service="bench")
    await migrate(pool, "lineshaft.notifier.adapters")
    port = free_port()
    receiver = await asyncio.create_subprocess_exec(sys.executable, "-c", RECEIVER, str(port))
    await fill(pool, port)
    quick = await pool.fetchval("select count(*) from delivery where endpoint_id <> 'whe_slow'")
    notifier = await asyncio.create_subprocess_exec(
        "taskset",
        "-c",
        "0",
        sys.executable,
        *(["-m", "cProfile", "-o", os.environ["PROFILE"]] if "PROFILE" in os.environ else []),
        "-m",
        "lineshaft.notifier",
        env={
            **os.environ,
            "KAFKA_BOOTSTRAP_SERVERS": infrastructure.kafka.bootstrap_servers,
            "LINESHAFT_POSTGRES_DSN": dsn,
            "LINESHAFT_SECRET_KEYS": KEYS,
            "LINESHAFT_LINK_SIGNING_KEY": "bench",
            "LINESHAFT_ALLOWED_NETWORKS": "127.0.0.0/8",
            "LINESHAFT_HTTP_PORT": str(free_port()),
        },
        stdout=asyncio.subprocess.DEVNULL,
    )
    count = "select count(*) from delivery where state = 'delivered' and endpoint_id <> 'whe_slow'"
    while not (first := await pool.fetchval(count)):  # noqa: ASYNC110  another process works
        await asyncio.sleep(0.01)
    started, cpu = time.perf_counter(), cpu_seconds(notifier.pid)
    while (done := await pool.fetchval(count)) < quick:  # noqa: ASYNC110  another process works
        await asyncio.sleep(0.05)
    while await pool.fetchval("select count(*) from outbox") > 0:  # noqa: ASYNC110  another process works
        await asyncio.sleep(0.05)
    seconds, used = time.perf_counter() - started, cpu_seconds(notifier.pid) - cpu
    notifier.terminate()
    await notifier.wait()
    receiver.terminate()
    await receiver.wait()
    await pool.close()
    return {
        "deliveries": done - first,
        "per_second": round((done - first) / seconds),
        "cpu_us_each": round(used / (done - first) * 1e6),
        "per_cpu_second": round((done - first) / used),
    }


def main() -> None:
    layout = Layout.discover(f"bench-{os.getpid()}")
    with Infrastructure(layout, progress=Progress(quiet=True)) as infrastructure:
        print(json.dumps({"webhook_deliveries": asyncio.run(measure(infrastructure))}, indent=2))


if __name__ == "__main__":
    main()
