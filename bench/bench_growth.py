"""What a record costs when there are ten and a hundred times as many, and whether memory stays flat.

`python bench/bench_growth.py [--full] [--rounds N]`
"""

import argparse
import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

import bench_mapping
import bench_sync
from harness.fill import ENTITIES, fill_pages
from harness.picture import draw
from harness.report import Target, table, write
from harness.rows import PAGE
from harness.runs import Result, Subject, alternated, micros_per_record, middle
from harness.servers import running_server
from harness.stack import Stack, running_stack

from lineshaft.common import topics

SIZES = (12_000, 120_000)
FULL_SIZES = (*SIZES, 1_200_000)

Results = Mapping[str, Sequence[Result]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="up to 1,200,000 records; takes long")
    parser.add_argument("--rounds", type=int)
    arguments = parser.parse_args()
    sizes = FULL_SIZES if arguments.full else SIZES
    rounds = arguments.rounds or (3 if arguments.full else 2)
    with running_stack() as stack, running_server("page_server.py") as source:
        asyncio.run(prepare(stack, sizes))
        common = {"bootstrap_servers": stack.bootstrap_servers, "source": source, "page": PAGE}
        subjects = [subject for size in sizes for subject in of_size(stack, size)]
        results = alternated(subjects, common, rounds)
    report(results, sizes, rounds)


async def prepare(stack: Stack, sizes: Sequence[int]) -> None:
    await bench_sync.prepare(stack)
    await stack.migrate("mapping")
    for size in sizes:
        for kind, (epoch, version) in bench_mapping.EPOCHS.items():
            prefix = f"{size}.{kind}"
            await stack.create_topics(prefix, [topics.RECORDS_RAW, ENTITIES, topics.DEAD_LETTERS])
            await fill_pages(stack.bootstrap_servers, prefix, size, epoch=epoch, version=version)


def of_size(stack: Stack, size: int) -> list[Subject]:
    connector = replace(bench_sync.ours(stack, size), name=f"connector at {size:,}")
    connector = replace(connector, options={**connector.options, "prefix": ""})
    mapping = [
        replace(
            subject,
            name=f"{subject.name.removeprefix('Lineshaft ').removeprefix('Lineshaft, ')} at {size:,}",
            options={**subject.options, "prefix": f"{size}.{subject.options['prefix']}", "records": size},
        )
        for subject in bench_mapping.ours(stack)
    ]
    return [connector, *mapping]


def kinds(results: Results) -> list[str]:
    return list(dict.fromkeys(name.rpartition(" at ")[0] for name in results))


def targets(results: Results, sizes: Sequence[int]) -> list[Target]:
    found = []
    for kind in kinds(results):
        first = results[f"{kind} at {sizes[0]:,}"]
        for size in sizes[1:]:
            some = results[f"{kind} at {size:,}"]
            cost = micros_per_record(some) / micros_per_record(first)
            memory = middle(some, "peak_mb") / middle(first, "peak_mb")
            found += [
                Target(f"{kind}: CPU per record, {size:,} / {sizes[0]:,}", cost, 1.1),
                Target(f"{kind}: peak memory, {size:,} / {sizes[0]:,}", memory, 1.2),
            ]
    return found


def report(results: Results, sizes: Sequence[int], rounds: int) -> None:
    rows = [
        [kind, *(f(results[f"{kind} at {size:,}"]) for f in (micros_per_record, _peak) for size in sizes)]
        for kind in kinds(results)
    ]
    columns = ["what", *(f"{unit} at {size:,}" for unit in ("µs/record", "peak MB") for size in sizes)]
    print(f"\n{rounds} rounds in turn, medians\n")
    print(table(columns, rows))
    met = targets(results, sizes)
    print("\n" + "\n".join(target.line() for target in met))
    bars = [(name, micros_per_record(some)) for name, some in results.items()]
    print(draw("growth", "CPU per record, µs", bars))
    print(write("growth", {"sizes": list(sizes), "rounds": rounds, "results": results}, met))


def _peak(results: Sequence[Result]) -> float:
    return middle(results, "peak_mb")


if __name__ == "__main__":
    main()
