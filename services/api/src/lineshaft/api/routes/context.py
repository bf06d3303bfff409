"""What the routes work with."""

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from lineshaft.api.adapters.commands import Waiters
from lineshaft.api.adapters.mappings import CompiledMappings
from lineshaft.api.adapters.visits import Visits
from lineshaft.api.domain.branding import Brand
from lineshaft.api.domain.consents import CALLBACK_PATH
from lineshaft.api.settings import ApiSettings
from lineshaft.common.clock import Clock
from lineshaft.common.encryption import KeyRing
from lineshaft.common.integrations import Catalog
from lineshaft.common.postgres.pool import Pool


@dataclass(frozen=True, slots=True)
class Context:
    settings: ApiSettings
    pool: Pool
    catalog: Catalog
    keys: KeyRing
    waiters: Waiters
    compiled: CompiledMappings
    clock: Clock

    @property
    def link_key(self) -> str:
        return self.settings.link_signing_key.get_secret_value()

    @property
    def visits(self) -> Visits:
        return Visits(self.keys, self.settings.code_lifetime, self.settings.token_grace, self.clock)

    @property
    def brand(self) -> Brand:
        return self.settings.brand

    @property
    def callback_url(self) -> str:
        """Where systems send customers back to."""
        return self.settings.public_url.rstrip("/") + CALLBACK_PATH

    def page_url(self, capability: str) -> str:
        return f"{self.settings.public_url.rstrip('/')}/connect/{capability}"


def context_of(request: Request) -> Context:
    return cast("Context", request.app.state.context)


async def _context(request: Request) -> Context:
    return context_of(request)


Api = Annotated[Context, Depends(_context)]
