"""Webhooks: stored, signed, posted and recorded by the notifier, beside bare signed clients.

`python bench/bench_webhook.py [--full] [--profile] [--records N] [--rounds N] [--neighbour]`
"""

import argparse
import asyncio
from collections.abc import Callable, Mapping, Sequence
from itertools import count

from harness.picture import draw
from harness.report import Target, folder, table, write
from harness.runs import Result, Subject, alternated, micros_per_record, middle, run_subject
from harness.servers import running_server
from harness.stack import Stack, running_stack
from harness.webhooks import ENDPOINTS

BARE = "bare aiohttp, signed"
HTTPX = "bare httpx, signed"
OURS = "Lineshaft notifier, from event to recorded delivery"
NEIGHBOUR = "nine endpoints beside one that hangs"
MOST_CHANGE = 1.10


def subjects(stack: Stack, deliveries: int) -> list[Subject]:
    return [
        Subject(BARE, "bare_webhooks.py", {"client": "aiohttp"}),
        Subject(HTTPX, "bare_webhooks.py", {"client": "httpx", "records": min(deliveries, 2_000)}),
        ours(stack),
    ]


def ours(stack: Stack, name: str = OURS, script: str = "lineshaft_notifier.py") -> Subject:
    runs = count(1)

    def new_topics() -> None:
        options["prefix"] = f"{script}.{next(runs)}."
        asyncio.run(stack.create_topics(options["prefix"]))

    options = {"dsn": stack.dsn("notifier"), "api_dsn": stack.dsn("api")}
    return Subject(name, script, options, before=new_topics)


def beside_one_that_hangs(stack: Stack, windows: int) -> Result:
    """The p99 of good endpoints while a neighbour hangs, and while it does not, in windows that alternate."""
    with running_server("holding_receiver.py") as receiver:
        common = {"bootstrap_servers": stack.bootstrap_servers, "receiver": receiver, "windows": windows}
        found = run_subject(ours(stack, NEIGHBOUR, "noisy_neighbour.py"), common)
    print(
        f"\n{NEIGHBOUR}, {found['deliveries_per_second']} deliveries a second, {windows} windows each:"
        f" p50 {found['calm_p50_ms']:.1f} -> {found['hung_p50_ms']:.1f} ms,"
        f" p99 {found['calm_p99_ms']:.1f} -> {found['hung_p99_ms']:.1f} ms;"
        f" p99 of each endpoint by {', '.join(f'{ratio:.2f}' for ratio in found['ratios'])}"
    )
    change = found["hung_p99_ms"] / found["calm_p99_ms"]
    print(Target("p99 of the others while one hangs / while it does not", change, MOST_CHANGE).line())
    return found


def targets(results: Mapping[str, Sequence[Result]]) -> list[Target]:
    some = results[OURS]
    rate = middle(some, "records") / middle(some, "wall_seconds")
    cost = micros_per_record(some)
    return [
        Target("deliveries per second and core, by wall clock", rate, 2_500, at_most=False),
        Target("deliveries per CPU second", 1e6 / cost, 2_500, at_most=False),
        Target("notifier / bare signed client", cost / micros_per_record(results[BARE]), 3),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="more deliveries and rounds")
    parser.add_argument("--profile", action="store_true", help="profile the notifier, into var/bench")
    parser.add_argument("--records", type=int, help="deliveries")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--neighbour", action="store_true", help="only the endpoint that hangs")
    arguments = parser.parse_args()
    deliveries = (arguments.records or (100_000 if arguments.full else 20_000)) // ENDPOINTS * ENDPOINTS
    rounds = arguments.rounds or (5 if arguments.full else 3)
    with running_stack() as stack, running_server("webhook_receiver.py") as receiver:
        asyncio.run(stack.migrate("notifier"))
        windows = 10 if arguments.full else 4
        if arguments.neighbour:
            beside_one_that_hangs(stack, windows)
            return
        common = {"bootstrap_servers": stack.bootstrap_servers, "receiver": receiver, "records": deliveries}
        if arguments.profile:
            place = folder() / "webhook.profile.txt"
            run_subject(ours(stack), {**common, "profile": str(place)})
            print(place)
            return

        def with_postgres(run: Callable[[], Result]) -> Result:
            before = stack.postgres_cpu()
            return {**run(), "postgres_seconds": stack.postgres_cpu() - before}

        results = alternated(subjects(stack, deliveries), common, rounds, around=with_postgres)
        beside_one_that_hangs(stack, windows)
    report(results, deliveries, rounds)


def report(results: Mapping[str, Sequence[Result]], deliveries: int, rounds: int) -> None:
    floor = micros_per_record(results[BARE])
    rows = [
        [
            name,
            micros_per_record(some),
            micros_per_record(some) / floor,
            micros_per_record(some, "postgres_seconds"),
            middle(some, "records") / middle(some, "wall_seconds"),
            middle(some, "peak_mb"),
        ]
        for name, some in results.items()
    ]
    print(f"\n{deliveries:,} deliveries to {ENDPOINTS} endpoints, {rounds} rounds in turn, medians\n")
    print(table(["way", "CPU µs/delivery", "ratio", "Postgres µs", "deliveries/s", "peak MB"], rows))
    met = targets(results)
    print("\n" + "\n".join(target.line() for target in met))
    bars = [(name, micros_per_record(some)) for name, some in results.items()]
    print(draw("webhook", "CPU per delivery, µs", bars))
    print(write("webhook", {"deliveries": deliveries, "rounds": rounds, "results": results}, met))


if __name__ == "__main__":
    main()
