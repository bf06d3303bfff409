"""Source to `records.raw`: the connector as it runs, beside bare loops over httpx and beside dlt.

`python bench/bench_sync.py [--full] [--profile] [--records N] [--rounds N]`
"""

import argparse
import asyncio
from collections.abc import Mapping, Sequence
from statistics import median

from harness.fill import RECORDS
from harness.peers import peers_python
from harness.picture import draw
from harness.report import Target, folder, table, write
from harness.rows import PAGE
from harness.runs import Result, Subject, alternated, micros_per_record, middle, run_subject
from harness.servers import running_server
from harness.stack import Stack, running_stack

BARE = "bare httpx to Kafka, records cut undecoded"
DECODED = "bare httpx to Kafka, decoded and encoded"
PAGES = "bare httpx to Kafka, pages as they came"
FETCH = "bare httpx, fetch only"
DLT = "dlt rest_api to JSON lines"
EXTRACT = "dlt rest_api, extract step alone"
OURS = "Lineshaft connector"


def ours(stack: Stack, count: int) -> Subject:
    options = {"dsn": stack.dsn("connector"), "api_dsn": stack.dsn("api"), "records": count}
    return Subject(OURS, "lineshaft_connector.py", options)


def peers(dlt_count: int) -> list[Subject]:
    python = peers_python()
    bare = {BARE: "records", DECODED: "decoded", PAGES: "pages", FETCH: "fetch"}
    return [
        *(Subject(name, "bare_sync.py", {"kind": kind}) for name, kind in bare.items()),
        Subject(DLT, "dlt_rest.py", {"extract": False, "records": dlt_count}, python=python),
        Subject(EXTRACT, "dlt_rest.py", {"extract": True, "records": dlt_count}, python=python),
    ]


def targets(results: Mapping[str, Sequence[Result]], sizes: Mapping[int, Result]) -> list[Target]:
    cost = {name: micros_per_record(some) for name, some in results.items()}
    found = [
        Target("connector / bare httpx to Kafka", cost[OURS] / cost[BARE], 1.6),
        Target(
            "the same without its background",
            (cost[OURS] - background(results[OURS])) / cost[BARE],
            1.6,
        ),
        Target("dlt / connector", cost[DLT] / cost[OURS], 8, at_most=False),
    ]
    for count, result in sizes.items():
        found.append(Target(f"MB over idle at {count:,} records", result["peak_mb"] - result["idle_mb"], 30))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="more rounds, and memory at a million records")
    parser.add_argument("--profile", action="store_true", help="profile the connector, into var/bench")
    parser.add_argument("--records", type=int)
    parser.add_argument("--rounds", type=int)
    arguments = parser.parse_args()
    count = arguments.records or 100_000
    rounds = arguments.rounds or (5 if arguments.full else 3)
    sizes = [count // 10, count, *([1_000_000] if arguments.full else [])]
    with running_stack() as stack, running_server("page_server.py") as source:
        asyncio.run(prepare(stack))
        common = {
            "bootstrap_servers": stack.bootstrap_servers,
            "prefix": "",
            "source": source,
            "page": PAGE,
            "records": count,
        }
        if arguments.profile:
            place = folder() / "sync.profile.txt"
            run_subject(ours(stack, count), {**common, "profile": str(place)})
            print(place)
            return
        subjects = [*peers(min(count, 20_000)), ours(stack, count)]
        results = alternated(subjects, common, rounds)
        by_size = {size: run_subject(ours(stack, size), common) for size in sizes}
    report(results, by_size, count, rounds)


def background(results: Sequence[Result]) -> float:
    """Microseconds a record of what the process does anyway: its idle CPU for the time that the sync took."""
    shares = [
        float(result.get("idle_cpu_share", 0.0) * result["wall_seconds"] / result["records"])
        for result in results
    ]
    return median(shares) * 1e6


async def prepare(stack: Stack) -> None:
    await stack.create_topics("")
    await stack.create_topics("", [RECORDS])
    await stack.migrate("connector")


def report(
    results: Mapping[str, Sequence[Result]], sizes: Mapping[int, Result], count: int, rounds: int
) -> None:
    floor = micros_per_record(results[BARE])
    rows = [
        [
            name,
            micros_per_record(some),
            micros_per_record(some) / floor,
            background(some),
            middle(some, "records") / middle(some, "wall_seconds"),
            middle(some, "peak_mb"),
            middle(some, "peak_mb") - middle(some, "idle_mb"),
        ]
        for name, some in results.items()
    ]
    print(f"\n{count:,} records in pages of {PAGE}, {rounds} rounds in turn, medians\n")
    print(
        table(
            ["way", "CPU µs/record", "ratio", "of it background", "records/s", "peak MB", "MB over idle"],
            rows,
        )
    )
    met = targets(results, sizes)
    print("\n" + "\n".join(target.line() for target in met))
    body = {"records": count, "rounds": rounds, "results": results, "connector_by_records": sizes}
    bars = [(name, micros_per_record(some)) for name, some in results.items()]
    print(draw("sync", "CPU per record, µs", bars))
    print(write("sync", body, met))


if __name__ == "__main__":
    main()
