"""Logins: one session per credential, shared by everybody who uses it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

Login = Callable[[bytes | None], Awaitable[bytes]]
"""Logs in and gives the session's own secret bytes, from those of the session before it, if there was one;
raises SourceFailureError."""


@dataclass(frozen=True, slots=True)
class Session:
    secret: bytes
    generation: int
    """Grows with each login of this credential."""


class Sessions(Protocol):
    async def get(self, login: Login) -> Session:
        """The session in use, or a new one.

        Raises:
            SourceFailureError: the login was refused or did not get through.
            GateClosedError: somebody else's login was refused meanwhile.
        """

    async def renew(self, refused: Session, login: Login) -> Session:
        """A later session than the one that the source refused."""


class OwnSession:
    """For credentials that nobody else uses yet."""

    def __init__(self) -> None:
        self.session: Session | None = None

    async def get(self, login: Login) -> Session:
        if self.session is None:
            self.session = Session(await login(None), 1)
        return self.session

    async def renew(self, refused: Session, login: Login) -> Session:
        if self.session is None or self.session.generation <= refused.generation:
            self.session = Session(await login(refused.secret), refused.generation + 1)
        return self.session
