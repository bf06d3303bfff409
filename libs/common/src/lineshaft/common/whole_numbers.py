"""Whole numbers in what somebody typed or sent."""


def whole_number(text: str, most: int) -> int | None:
    """From 0 to `most`, in plain digits; None for anything else, however long."""
    if not text.isascii() or not text.isdigit() or len(text) > len(str(most)):
        return None
    number = int(text)
    return number if number <= most else None
