"""What readers are told to type, block by block, and which test runs it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import dedent

from lineshaft.tools.stack.layout import find_checkout

CHECKOUT = find_checkout()
GUIDES = "tests/e2e/test_guides.py"
TYPED = {"sh", "http", "python", "yaml", "sql"}
SHOWN = {"json", "markdown", "text"}
"""Languages of answers, files and pictures."""

RUN_BY: Mapping[str, Mapping[str, str]] = {
    "README.md": {"sh": GUIDES},
    "docs/howto/read-data.md": {"sh": GUIDES},
    "docs/howto/map-fields.md": {"sh": GUIDES},
    "docs/howto/drift.md": {"sh": GUIDES},
    "docs/howto/custom-objects.md": {"sh": GUIDES},
    "docs/howto/schedules-and-deletions.md": {"sh": GUIDES},
    "docs/howto/write-back.md": {"sh": GUIDES},
    "docs/howto/command-line.md": {"sh": GUIDES},
    "docs/howto/connect.md": {"sh": GUIDES},
    "docs/howto/diagnose.md": {"sh": GUIDES},
    "docs/howto/webhooks.md": {"http": GUIDES, "python": "services/notifier/tests/test_howto.py"},
    "docs/howto/oauth.md": {"sh": GUIDES, "yaml": "libs/common/tests/integrations/test_oauth.py"},
    "docs/howto/dead-letters.md": {"sh": GUIDES},
    "docs/howto/rotate-keys.md": {"sh": GUIDES},
    "docs/howto/network.md": {"sh": GUIDES},
    "docs/howto/python-client.md": {"python": GUIDES},
    "integrations/postgresql/README.md": {"sql": GUIDES},
    "docs/howto/first-steps.md": {"sh": GUIDES},
    "docs/howto/secure.md": {"sh": GUIDES},
    "docs/howto/add-a-system.md": dict.fromkeys(
        ("sh", "yaml"), "services/connector/tests/test_add_a_system.py"
    ),
    "docs/howto/add-a-database.md": dict.fromkeys(
        ("sh", "sql", "yaml"), "services/connector/tests/test_add_a_system.py"
    ),
    "docs/howto/backup-and-restore.md": {"sh": "tests/e2e/test_backup_and_restore.py"},
    "docs/howto/deploy-on-kubernetes.md": {"yaml": "tests/deploy/test_helm_chart.py"},
}
"""Pages with the test that runs their blocks of a language, in the order in which `GUIDES` takes them."""

NOT_RUN: Mapping[str, Mapping[str, str]] = {
    "README.md": {"make demo ": "its story is told by tests/e2e/test_story.py; `make test` is this run"},
    "CONTRIBUTING.md": {"make check ": "CI runs them"},
    "deploy/README.md": {"docker compose up": "needs a container engine; tests/deploy reads the file"},
    "docs/howto/add-a-system.md": {
        "make setup": "was run before there was a test",
        "curl -u": "the test's sandbox is asked by the recorded request of the page",
        'eval "$(lineshaft env)"': "the test connects the folder's adapter; first-steps.md runs the commands",
    },
    "docs/howto/command-line.md": {"export LINESHAFT_URL": "names an address that is the reader's own"},
    "docs/howto/connect.md": {"POST /v1/link-sessions/exchange": "`Vendor.exchange` does"},
    "docs/howto/deploy-on-kubernetes.md": {
        "helm install": "needs a cluster; the chart is rendered with the page's values"
    },
    "docs/howto/first-steps.md": {
        "make up": "the test has a stack of its own, started by the same code",
        "source .venv/bin/activate": "it is about the reader's own shell",
        "ID=con_...": "the test fills it in",
    },
    "docs/howto/secure.md": {
        "LINESHAFT_CONSOLE_OIDC_ISSUER": "settings; test_oidc_browser.py signs in by them"
    },
    "integrations/mariadb/README.md": {
        "create user": "MariaDB's plant is made by tools/src/lineshaft/tools/stack/mariadb_source.py"
    },
}
"""Beginnings of blocks that no test runs, and why."""

_BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    page: str
    language: str
    text: str

    @property
    def reason(self) -> str | None:
        """Why it is not run."""
        reasons = NOT_RUN.get(self.page, {})
        return next((why for beginning, why in reasons.items() if self.text.startswith(beginning)), None)


def pages() -> list[str]:
    """Everything for readers that is not generated."""
    patterns = ("*.md", "docs/**/*.md", "deploy/**/*.md", "integrations/*/README.md")
    found = (file.relative_to(CHECKOUT) for pattern in patterns for file in sorted(CHECKOUT.glob(pattern)))
    return [str(page) for page in found if "reference" not in page.parts]


def blocks(page: str) -> list[Block]:
    text = (CHECKOUT / page).read_text(encoding="utf-8")
    return [Block(page, language, dedent(body)) for _, language, body in _BLOCK.findall(text)]


def to_run(page: str, test: str, language: str) -> list[Block]:
    """The blocks of a page that `test` has to run."""
    mine = RUN_BY.get(page, {}).get(language) == test
    return [one for one in blocks(page) if mine and one.language == language and one.reason is None]


def pages_run_by(test: str, language: str) -> list[str]:
    return [page for page, tests in RUN_BY.items() if tests.get(language) == test]
