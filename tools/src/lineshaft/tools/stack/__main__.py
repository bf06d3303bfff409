"""`python -m lineshaft.tools.stack up`: start everything, say where it is, stay until Ctrl-C or SIGTERM."""

import argparse
import os
import signal
import sys
import threading
from types import FrameType

from lineshaft.tools.stack.build_tool import BuildError
from lineshaft.tools.stack.child import StartError
from lineshaft.tools.stack.kafka import KafkaUnavailableError
from lineshaft.tools.stack.layout import Layout
from lineshaft.tools.stack.progress import Progress
from lineshaft.tools.stack.run_record import StackRunningError
from lineshaft.tools.stack.sources import SOURCES, UnknownSourceError
from lineshaft.tools.stack.stack import API_PORT, Stack

_NO_SOURCE = "none"


def main(arguments: list[str] | None = None) -> int:
    options = _parse(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    layout = Layout.discover()
    progress = Progress()
    try:
        with Stack(
            layout,
            source=None if options.source == _NO_SOURCE else options.source,
            progress=progress,
            api_port=options.port,
        ) as stack:
            progress.say("stack", f"ready, described in {layout.stack_file}")
            _describe(stack)
            threading.Event().wait()
    except KeyboardInterrupt:
        progress.say("stack", "stopped")
    except (BuildError, StartError, KafkaUnavailableError, StackRunningError, UnknownSourceError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m lineshaft.tools.stack", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    up = commands.add_parser("up", help="start everything and stay")
    up.add_argument(
        "--source",
        choices=[*SOURCES, _NO_SOURCE],
        default=os.environ.get("SOURCE", "tryton"),
        help="the source system to start beside it (default: %(default)s)",
    )
    up.add_argument(
        "--port", type=int, default=API_PORT, help="the API's port, if free (default: %(default)s)"
    )
    return parser.parse_args(arguments)


def _describe(stack: Stack) -> None:
    print(f"\n  API        {stack.api_url}")
    print(f"  admin key  {stack.admin_key}")
    print(f"  Kafka      {stack.kafka.bootstrap_servers}")
    print(f"  Postgres   {stack.postgres.dsn}")
    for name, url in stack.services.urls.items():
        print(f"  {name:<16} {url}/metrics")
    if stack.has_source:
        for field, value in stack.source.connection_fields.items():
            print(f"  {stack.source.system} {field:<10} {value}")
    print("\n  Ctrl-C stops everything.\n", flush=True)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
