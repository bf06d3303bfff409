"""`python -m lineshaft.tools.stack up`: start everything, say where it is, stay until Ctrl-C or SIGTERM."""

import argparse
import os
import signal
import sys
import threading
from types import FrameType

from lineshaft.tools.stack.description import describe
from lineshaft.tools.stack.layout import Layout
from lineshaft.tools.stack.progress import Progress
from lineshaft.tools.stack.refusals import REFUSALS
from lineshaft.tools.stack.sources import SOURCES
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
            print(describe(stack), flush=True)
            threading.Event().wait()
    except KeyboardInterrupt:
        progress.say("stack", "stopped")
    except REFUSALS as error:
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


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
