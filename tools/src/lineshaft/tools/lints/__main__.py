"""`python -m lineshaft.tools.lints`: print what breaks a rule of the repository; exit 1 if anything does."""

import subprocess
import sys
from pathlib import Path

from lineshaft.tools.lints.anatomy import anatomy_problems
from lineshaft.tools.lints.links import link_problems, unlinked_pages
from lineshaft.tools.lints.queries import query_problems
from lineshaft.tools.lints.text import text_problems
from lineshaft.tools.stack.layout import find_checkout


def tracked_files(root: Path) -> list[Path]:
    """What git tracks or would track; every file where there is no git."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    names = listed.stdout.splitlines() if listed.returncode == 0 else []
    return [path for name in names if (path := root / name).is_file()]


def main() -> int:
    root = find_checkout()
    files = tracked_files(root)
    problems = [
        *anatomy_problems(root),
        *text_problems(root, files),
        *link_problems(root, files),
        *unlinked_pages(root, files),
        *query_problems(root),
    ]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
