"""Nothing is told to readers that is neither run by a test nor named here with the reason."""

from pathlib import PurePath

import pytest

from .pages import CHECKOUT, NOT_RUN, RUN_BY, SHOWN, TYPED, blocks, pages


@pytest.mark.parametrize("page", pages())
def test_every_block_is_run_or_says_why_not(page: str) -> None:
    for block in blocks(page):
        assert block.language in TYPED | SHOWN, f"say the language of: {block.text}"
        if block.language in TYPED:
            run = block.language in RUN_BY.get(page, {})
            assert run or block.reason, (
                f"have a test run it, or add it to NOT_RUN with the reason: {block.text}"
            )


@pytest.mark.parametrize("page", RUN_BY)
def test_the_tests_that_run_a_page_read_it(page: str) -> None:
    for language, test in RUN_BY[page].items():
        assert any(one.language == language and one.reason is None for one in blocks(page)), language
        text = (CHECKOUT / test).read_text(encoding="utf-8")
        assert "pages_run_by" in text or PurePath(page).name in text, test


def test_no_reason_is_left_without_its_block() -> None:
    for page, reasons in NOT_RUN.items():
        for beginning in reasons:
            assert any(block.text.startswith(beginning) for block in blocks(page)), (page, beginning)
