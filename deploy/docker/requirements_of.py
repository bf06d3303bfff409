"""Prints the part of requirements.txt that one service needs, hashes included.

The `# via` lines of the file say who asks for each package, so the way from the service to every
package can be followed without a resolver.

    python requirements_of.py connector > service.txt
"""  # noqa: INP001  a script, not a package

import re
import sys
from pathlib import Path

_START = re.compile(r"^(?P<name>[a-z0-9-]+)==", re.MULTILINE)
_ASKS = re.compile(r"^    #(?: via)?[ ]+(?P<name>[a-z0-9-]+)$", re.MULTILINE)


def needed(text: str, service: str) -> list[str]:
    """The entries of `text` that the service or lineshaft-common leads to."""
    starts = [match.start() for match in _START.finditer(text)]
    entries = [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]
    asked_by = {_name(entry): {match["name"] for match in _ASKS.finditer(entry)} for entry in entries}
    wanted = {"lineshaft-common", f"lineshaft-{service}"}
    while more := {name for name, askers in asked_by.items() if askers & wanted} - wanted:
        wanted |= more
    return [entry for entry in entries if _name(entry) in wanted]


def _name(entry: str) -> str:
    return entry.partition("==")[0]


def main() -> None:
    text = Path("requirements.txt").read_text(encoding="utf-8")
    sys.stdout.write("".join(needed(text, sys.argv[1])))


if __name__ == "__main__":
    main()
