import os

import pytest

from lineshaft.tools.stack.ci import in_ci


def needs(what: str, *, found: bool) -> None:
    """Skips the test on a machine without it, but in CI that is a failure."""
    if found:
        return
    if in_ci(os.environ):
        pytest.fail(f"CI needs {what}")
    pytest.skip(f"needs {what}")
