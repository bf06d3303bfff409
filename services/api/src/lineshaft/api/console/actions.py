"""What a button does: carried out, and told on the page it came from."""

from collections.abc import Awaitable

from starlette.responses import Response

from lineshaft.api.console.notices import Notice, back_to
from lineshaft.api.domain.problems import ProblemError

ACCEPTED = 202


async def acted(target: str, words: str, action: Awaitable[object]) -> Response:
    """Back to `target`, with `words` where it was done and the reason where it was not."""
    try:
        answer = await action
    except ProblemError as error:
        return back_to(target, Notice("failed", error.problem.detail))
    if isinstance(answer, Response) and answer.status_code == ACCEPTED:
        words = "It takes a moment longer; the timeline will show it."
    return back_to(target, Notice("done", words))
