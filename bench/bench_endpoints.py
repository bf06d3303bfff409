"""Hot reads of the API beside a raw ASGI application with equal queries; the preview of a mapping.

`python bench/bench_endpoints.py [--full] [--profile] [--records N] [--rounds N]`
"""

import argparse
import asyncio
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median
from typing import Any

import aiohttp
import asyncpg
import orjson
from harness.fill import OBJECT, SYSTEM
from harness.load import Client
from harness.picture import draw
from harness.records import records
from harness.report import Target, folder, table, write
from harness.services import INTEGRATIONS, PREFIX, Running, running_process, running_service
from harness.stack import Stack, running_stack

from lineshaft.api.domain.keys import KeyKind, key_hash, new_key
from lineshaft.common.events.health import ScopeStatus, StatusDescribed
from lineshaft.common.integrations import Catalog
from lineshaft.common.mapping import MappingContext, compile_mapping
from lineshaft.common.outcomes import ConnectionStatus
from lineshaft.tools.stack.ports import free_port

CONNECTION = "con_bench"
STORED = 10_000
WORKERS = 16
RAW, OURS = "raw ASGI on uvicorn, same queries", "Lineshaft api"
STATUS, LIST, RECORD = "status", "list of 100", "one record"
PREVIEW = {"fields": {"title": {"path": "code"}}}
PREVIEWS = 200
SHARE = {STATUS: 1.0, LIST: 0.15, RECORD: 1.0}
"""Of the requests: a list costs many times as much."""


@dataclass(frozen=True, slots=True)
class Plant:
    token: str
    admin_key: str
    record_id: str
    source_id: str

    @property
    def paths(self) -> dict[str, str]:
        return {
            STATUS: f"/v1/connections/{CONNECTION}/status",
            LIST: "/v1/work-orders?limit=100",
            RECORD: f"/v1/work-orders/{self.record_id}",
        }

    @property
    def preview_path(self) -> str:
        return f"/v1/connections/{CONNECTION}/mappings/{OBJECT}/preview?source_id={self.source_id}"


Result = dict[str, float]
Results = dict[str, dict[str, list[Result]]]
"""By server, by route: one of each round."""


async def prepare(stack: Stack) -> Plant:
    for service in ("connector", "mapping", "health_monitor", "notifier", "api"):
        await stack.migrate(service)
    await stack.create_topics(PREFIX)
    token = new_key(KeyKind.CONNECTION)
    connection = await asyncpg.connect(stack.admin_dsn)
    try:
        await connection.execute(
            "insert into api.connection (connection_id, system, lifecycle, settings, login, metadata,"
            " credential_version) values ($1, $2, 'active', '{}', '{}', '{}', 1)",
            CONNECTION,
            SYSTEM,
        )
        await connection.execute(
            "insert into api.api_key (key_hash, key_id, kind, connection_id)"
            " values ($1, 'key_1', 'connection', $2)",
            key_hash(token),
            CONNECTION,
        )
        await connection.execute(
            "insert into health_monitor.state (connection_id, described) values ($1, $2)",
            CONNECTION,
            _status().model_dump_json(),
        )
        rows = list(_rows())
        await connection.copy_records_to_table(
            "record",
            schema_name="mapping",
            records=[tuple(row.values()) for row in rows],
            columns=list(rows[0]),
        )
        await connection.execute("analyze mapping.record")
    finally:
        await connection.close()
    some = rows[STORED // 2]
    return Plant(token, new_key(KeyKind.ADMIN), some["id"], some["source_id"])


def _status() -> StatusDescribed:
    moment = datetime.now(UTC)
    objects = [
        ScopeStatus(object=f"object_{number}", status=ConnectionStatus.HEALTHY, last_ok_at=moment)
        for number in range(6)
    ]
    return StatusDescribed(
        connection_id=CONNECTION,
        system=SYSTEM,
        status=ConnectionStatus.HEALTHY,
        since=moment,
        objects=objects,
        credential_version=1,
        revision=1,
        at=moment,
    )


def _rows() -> Iterator[dict[str, Any]]:
    definition = Catalog.load(INTEGRATIONS).system(SYSTEM).default_mapping(OBJECT)
    compiled = compile_mapping(OBJECT, definition, MappingContext(1))
    moment = datetime.now(UTC)
    for raw in records(0, STORED):
        key = str(raw["id"])
        mapped = compiled.apply(CONNECTION, key, raw, moment.isoformat())
        yield {
            "connection_id": CONNECTION,
            "entity": OBJECT,
            "id": mapped.document["id"],
            "object": OBJECT,
            "source_id": key,
            "raw": orjson.dumps(raw).decode(),
            "raw_hash": "",
            "document": mapped.encode(1).decode(),
            "content_hash": mapped.content_hash,
            "mapping_version": 1,
            "mapping_digest": "",
            "revision": 1,
            "based_on": 0,
            "lease_epoch": 1,
            "read_sequence": 1,
            "observed_at": moment,
            "changed_at": moment,
        }


@contextmanager
def serving(stack: Stack, name: str, plant: Plant, *, profile: bool = False) -> Iterator[Running]:
    if name == OURS:
        place = folder() / "endpoints.profile.txt" if profile else None
        with running_service(stack, "api", admin_key=plant.admin_key, profile=place) as running:
            yield running
        return
    port = free_port()
    asked: dict[str, object] = {"dsn": stack.dsn("api"), "connection_id": CONNECTION, "port": port}
    with running_process("bare_endpoints.py", asked, port) as running:
        yield running


async def measure(server: Running, plant: Plant, count: int) -> dict[str, Result]:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        client = Client(session, {"authorization": f"Bearer {plant.token}"})
        found = {}
        for route, path in plant.paths.items():
            url, asked = server.url + path, max(int(count * SHARE[route]), 100)
            await client.all_at_once(url, asked // 4, WORKERS)
            before = server.cpu()
            load = await client.all_at_once(url, asked, WORKERS)
            cpu = server.cpu() - before
            half = await client.paced(url, asked // 2, load.per_second / 2)
            found[route] = {
                "requests": asked,
                "cpu_micros": cpu / asked * 1e6,
                "per_second": load.per_second,
                "half_load_p50_ms": half.p50_ms,
                "half_load_p99_ms": half.p99_ms,
            }
        return found


async def preview(server: Running, plant: Plant) -> dict[str, float]:
    async with aiohttp.ClientSession() as session:
        client = Client(session, {"authorization": f"Bearer {plant.admin_key}"})
        load = await client.one_by_one(server.url + plant.preview_path, PREVIEW, PREVIEWS)
        return {"p50_ms": load.p50_ms, "p99_ms": load.p99_ms}


def middle(results: Sequence[Result], key: str) -> float:
    return median(one[key] for one in results)


def targets(results: Results, previews: Sequence[Result]) -> list[Target]:
    def cost(name: str, route: str) -> float:
        return middle(results[name][route], "cpu_micros")

    return [
        Target("status: raw ASGI / api, CPU", cost(RAW, STATUS) / cost(OURS, STATUS), 0.5, at_most=False),
        Target("status: p99 at half load, ms", middle(results[OURS][STATUS], "half_load_p99_ms"), 10),
        Target("list of 100: api / raw ASGI, CPU", cost(OURS, LIST) / cost(RAW, LIST), 1.5),
        Target("preview of one record: p99, ms", middle(previews, "p99_ms"), 100),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="more requests and rounds")
    parser.add_argument("--profile", action="store_true", help="profile the api, into var/bench")
    parser.add_argument("--records", type=int, help="requests of each route")
    parser.add_argument("--rounds", type=int)
    arguments = parser.parse_args()
    count = arguments.records or (20_000 if arguments.full else 5_000)
    rounds = arguments.rounds or (5 if arguments.full else 3)
    results: Results = {name: {route: [] for route in SHARE} for name in (RAW, OURS)}
    previews: list[Result] = []
    with running_stack() as stack:
        plant = asyncio.run(prepare(stack))
        if arguments.profile:
            with serving(stack, OURS, plant, profile=True) as server:
                server.profile()
                asyncio.run(measure(server, plant, count))
            print(folder() / "endpoints.profile.txt")
            return
        for number in range(1, rounds + 1):
            for name in results:
                with serving(stack, name, plant) as server:
                    for route, result in asyncio.run(measure(server, plant, count)).items():
                        results[name][route].append(result)
                        micros = result["cpu_micros"]
                        print(f"  round {number}: {name}, {route}: {micros:.0f} µs", file=sys.stderr)
                    if name == OURS:
                        previews.append(asyncio.run(preview(server, plant)))
    report(results, previews, count, rounds)


def report(results: Results, previews: Sequence[Result], count: int, rounds: int) -> None:
    rows = [
        [
            f"{route}: {name}",
            middle(some, "cpu_micros"),
            middle(some, "cpu_micros") / middle(results[RAW][route], "cpu_micros"),
            middle(some, "per_second"),
            middle(some, "half_load_p50_ms"),
            middle(some, "half_load_p99_ms"),
        ]
        for route in SHARE
        for name, routes in results.items()
        for some in [routes[route]]
    ]
    print(f"\n{count:,} requests of each route, {rounds} rounds in turn, medians\n")
    print(table(["route", "CPU µs/request", "ratio", "requests/s", "p50 ms", "p99 ms at half load"], rows))
    p50, p99 = middle(previews, "p50_ms"), middle(previews, "p99_ms")
    print(f"preview of one record, one at a time: p50 {p50:.1f} ms, p99 {p99:.1f} ms")
    met = targets(results, previews)
    print("\n" + "\n".join(target.line() for target in met))
    bars = [
        (f"{name}: {route}", middle(results[name][route], "cpu_micros"))
        for route in SHARE
        for name in results
    ]
    print(draw("endpoints", "CPU per request, µs", bars))
    print(
        write(
            "endpoints", {"requests": count, "rounds": rounds, "results": results, "previews": previews}, met
        )
    )


if __name__ == "__main__":
    main()
