"""Consume, map 20 fields, publish keyed events: our service's own handler beside bare loops and peers.

`python bench/bench_mapping.py [--full] [--profile] [--records N] [--rounds N]`
"""

import argparse
import asyncio
from collections.abc import Callable, Mapping, Sequence

from harness.fill import ENTITIES, MAPPED, PAGE, RECORDS, fill_pages, fill_records
from harness.peers import connect_jars, peers_python
from harness.picture import draw
from harness.report import Target, folder, table, write
from harness.runs import Result, Subject, SubjectError, alternated, micros_per_record, middle, run_subject
from harness.stack import Stack, running_stack

from lineshaft.common import topics

EPOCHS = {"": (1, 1), "again.": (2, 1), "changed.": (3, 2)}
"""Prefix of the topics to lease epoch and version of their records."""

FORWARDED = "bare aiokafka, pass-through"
CUT = "bare aiokafka, pages cut, not mapped"
BARE = "bare aiokafka, records mapped"
BARE_PAGES = "bare aiokafka, pages mapped"
OURS = "Lineshaft, mapping alone"
NEW = "Lineshaft with record store, new"
UNCHANGED = "Lineshaft with record store, unchanged"
CHANGED = "Lineshaft with record store, changed"
QUIX = "Quix Streams, records"
QUIX_PAGES = "Quix Streams, pages"
CONNECT = "Kafka Connect, records renamed, to a file"
TEXTBOOK = "FastStream, textbook"


async def fill(stack: Stack, count: int) -> None:
    await stack.migrate("mapping")
    for prefix, (epoch, version) in EPOCHS.items():
        kinds = [topics.RECORDS_RAW, ENTITIES, topics.DEAD_LETTERS]
        await stack.create_topics(prefix, [*kinds, *([] if prefix else [RECORDS, MAPPED])])
        await fill_pages(stack.bootstrap_servers, prefix, count, epoch=epoch, version=version)
    await fill_records(stack.bootstrap_servers, "", count)


def ours(stack: Stack) -> list[Subject]:
    script, dsn = "lineshaft_mapping.py", stack.dsn("mapping")

    def empty_store() -> None:
        asyncio.run(stack.execute("truncate mapping.record, mapping.read_slice"))

    def with_store(name: str, prefix: str, before: Callable[[], None] | None = None) -> Subject:
        return Subject(name, script, {"store": True, "prefix": prefix, "dsn": dsn}, before=before)

    return [
        Subject(OURS, script, {"store": False, "prefix": "", "dsn": dsn}),
        with_store(NEW, "", empty_store),
        with_store(UNCHANGED, "again."),
        with_store(CHANGED, "changed."),
    ]


def peers(count: int, textbook_count: int, *, full: bool) -> list[Subject]:
    def bare(name: str, kind: str, topic: str) -> Subject:
        return Subject(name, "bare.py", {"kind": kind, "topic": topic, "prefix": ""})

    def quix(name: str, topic: str, messages: int) -> Subject:
        options = {"topic": topic, "pages": messages != count, "messages": messages, "prefix": ""}
        return Subject(name, "quix.py", options, python=python)

    python = peers_python()
    connections = topics.RECORDS_RAW.partitions
    pages = connections * -(-(count // connections) // PAGE)
    return [
        bare(FORWARDED, "pass_through", RECORDS.name),
        bare(CUT, "pages_cut", topics.RECORDS_RAW.name),
        bare(BARE, "mapped", RECORDS.name),
        bare(BARE_PAGES, "pages_mapped", topics.RECORDS_RAW.name),
        quix(QUIX, RECORDS.name, count),
        *([quix(QUIX_PAGES, topics.RECORDS_RAW.name, pages)] if full else []),
        Subject(
            CONNECT,
            "kafka_connect.py",
            {"topic": RECORDS.name, "prefix": "", "jars": str(connect_jars())},
        ),
        Subject(TEXTBOOK, "faststream_textbook.py", {"prefix": "", "records": textbook_count}),
    ]


def checked(result: Result) -> Result:
    """Raises `SubjectError` for a run of ours in which not all records met the same fate."""
    effects = result.get("effects")
    if effects is not None and list(effects.values()) != [result["records"]]:
        raise SubjectError(f"of {result['records']} records {effects}")
    return result


def targets(results: Mapping[str, Sequence[Result]]) -> list[Target]:
    cost = {name: micros_per_record(some) for name, some in results.items()}
    quix = min(cost[QUIX], cost.get(QUIX_PAGES, cost[QUIX]))
    return [
        Target("mapping alone / bare pass-through", cost[OURS] / cost[FORWARDED], 5),
        Target("mapping alone / Quix Streams", cost[OURS] / quix, 1),
        Target("mapping alone / Kafka Connect", cost[OURS] / cost[CONNECT], 1),
        Target("textbook FastStream / mapping alone", cost[TEXTBOOK] / cost[OURS], 10, at_most=False),
        Target("unchanged with store / mapping alone", cost[UNCHANGED] / cost[OURS], 1.3),
        Target("changed with store / mapping alone", cost[CHANGED] / cost[OURS], 2.5),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="more records and rounds")
    parser.add_argument("--profile", action="store_true", help="profile our handler, into var/bench")
    parser.add_argument("--records", type=int)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--only-ours", action="store_true", help="leave out bare loops and peers")
    arguments = parser.parse_args()
    count = (arguments.records or (240_000 if arguments.full else 36_000)) // 12 * 12
    rounds = arguments.rounds or (5 if arguments.full else 3)
    textbook_count = min(count, 20_000 if arguments.full else 1_000)
    with running_stack() as stack:
        asyncio.run(fill(stack, count))
        common = {"bootstrap_servers": stack.bootstrap_servers, "records": count}
        if arguments.profile:
            profile(stack, common)
            return
        subjects = ours(stack)
        if not arguments.only_ours:
            subjects = [*peers(count, textbook_count, full=arguments.full), *subjects]

        def with_postgres(run: Callable[[], Result]) -> Result:
            before = stack.postgres_cpu()
            result = {**run(), "postgres_seconds": stack.postgres_cpu() - before}
            return checked(result)

        results = alternated(subjects, common, rounds, around=with_postgres)
    report(results, count, rounds)


def report(results: Mapping[str, Sequence[Result]], count: int, rounds: int) -> None:
    floor = micros_per_record(results.get(FORWARDED) or results[OURS])
    rows = []
    for name, some in results.items():
        micros = micros_per_record(some)
        rows.append(
            [
                name,
                micros,
                micros / floor,
                micros_per_record(some, "postgres_seconds"),
                middle(some, "records") / middle(some, "wall_seconds"),
                middle(some, "peak_mb"),
            ]
        )
    print(f"\n{count:,} records, {rounds} rounds in turn, medians\n")
    columns = ["way", "CPU µs/record", "ratio", "Postgres µs/record", "records/s", "peak MB"]
    print(table(columns, rows))
    met = targets(results) if FORWARDED in results else []
    print("\n" + "\n".join(target.line() for target in met))
    shown = [name for name in results if name != TEXTBOOK]
    print(draw("mapping", "CPU per record, µs", [(name, micros_per_record(results[name])) for name in shown]))
    print(write("mapping", {"records": count, "rounds": rounds, "results": results}, met))


def profile(stack: Stack, common: Mapping[str, object]) -> None:
    for subject in ours(stack):
        place = folder() / f"mapping-{subject.name.rsplit(' ', 1)[1]}.profile.txt"
        run_subject(subject, {**common, "run": f"profile-{subject.name}", "profile": str(place)})
        print(place)


if __name__ == "__main__":
    main()
