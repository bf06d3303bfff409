"""Takes every webhook with 204; between `/hold` and `/release` the first endpoint hangs."""

from typing import ClassVar

from harness.serving import Connection, serve

HANGS = "/0"
HELD = b"held"


class Holding(Connection):
    holding = False
    waiting: ClassVar[list["Holding"]] = []

    def _reply(self, body: bytes | None) -> None:
        if body is HELD:
            Holding.waiting.append(self)
        else:
            super()._reply(body)

    def answer_at_last(self) -> None:
        super()._reply(None)


def answer(_method: str, target: str, _body: bytes) -> bytes | None:
    if target == "/hold":
        Holding.holding = True
    elif target == "/release":
        Holding.holding = False
        waiting, Holding.waiting = Holding.waiting, []
        for one in waiting:
            one.answer_at_last()
    return HELD if Holding.holding and target == HANGS else None


if __name__ == "__main__":
    serve(answer, Holding)
