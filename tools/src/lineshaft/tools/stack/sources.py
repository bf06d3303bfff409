"""The source systems that the local stack can start. A new one is one entry here."""

from collections.abc import Callable
from typing import Protocol

from lineshaft.tools.stack.mariadb_source import MariadbSource
from lineshaft.tools.stack.odoo import OdooSource
from lineshaft.tools.stack.postgresql_source import PostgresqlSource
from lineshaft.tools.stack.sandbox_source import SandboxSource
from lineshaft.tools.stack.supervisor import Supervisor
from lineshaft.tools.stack.tryton import TrytonSource


class UnknownSourceError(ValueError):
    """No source system of this name can be started here."""


class Source(Protocol):
    """A source system with an operator's hands on it, so that a story can be told of it."""

    @property
    def system(self) -> str: ...

    @property
    def base_url(self) -> str: ...

    @property
    def item_label(self) -> str:
        """The path of an item's display name in its raw record."""

    @property
    def connection_fields(self) -> dict[str, str]: ...

    @property
    def administrator(self) -> dict[str, str]:
        """How the customer's own administrator gets in, to change the plant by hand."""

    def prepare(self) -> None: ...

    def launch(self) -> None: ...

    def wait_until_ready(self) -> None: ...

    def stop(self) -> None: ...

    def change_password(self, password: str) -> None: ...

    def requests_seen(self) -> int: ...

    def revoke_one_object(self) -> str:
        """Take the right to read one object away; its name."""

    def restore_one_object(self) -> None: ...


SourceMaker = Callable[[Supervisor], Source]

SOURCES: dict[str, SourceMaker] = {
    "tryton": TrytonSource,
    "odoo": OdooSource,
    "postgresql": PostgresqlSource,
    "mariadb": MariadbSource,
    "sandbox": SandboxSource,
}


def source_maker(name: str) -> SourceMaker:
    if name not in SOURCES:
        raise UnknownSourceError(f"SOURCE is one of {', '.join(SOURCES)}, not {name!r}")
    return SOURCES[name]
