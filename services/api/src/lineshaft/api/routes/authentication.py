"""Who asks: an admin key opens everything, a connection token its own connection's data and health."""

from typing import Annotated

from fastapi import Depends, Path, Query, Request
from fastapi.security import HTTPBearer

from lineshaft.api.adapters.keys import Access, Caller, find_access, find_caller
from lineshaft.api.domain.keys import KeyKind, kind_of
from lineshaft.api.domain.problems import ProblemCode, invalid, not_found, problem, unauthorized
from lineshaft.api.domain.status import Known
from lineshaft.api.routes.context import Api

_SCHEME = "bearer "


def secret_of(request: Request) -> str:
    """The key, after the checks that need no look-up.

    Raises:
        ProblemError: none, or one that was never ours.
    """
    header = request.headers.get("authorization", "")
    if not header:
        raise unauthorized("Send your key as `Authorization: Bearer ...`.")
    secret = header[len(_SCHEME) :].strip()
    if not header.lower().startswith(_SCHEME) or kind_of(secret) is None:
        raise unauthorized("This is not a Lineshaft key; check that it was copied whole.")
    return secret


class KeyBearer(HTTPBearer):
    """Comes before anything else of the request is looked at."""

    async def __call__(self, request: Request) -> str:  # type: ignore[override]  # the key itself
        return secret_of(request)


Secret = Annotated[
    str,
    Depends(
        KeyBearer(scheme_name="key", description="An admin key `lsa_...` or a connection token `lsc_...`.")
    ),
]


def refused() -> Exception:
    return unauthorized("This key is not known, or no longer.")


def require_admin(caller: Caller) -> Caller:
    if caller.kind is not KeyKind.ADMIN:
        raise problem(ProblemCode.FORBIDDEN, "A connection token may not do this; use an admin key.")
    return caller


async def _admin(secret: Secret, api: Api) -> Caller:
    caller = await find_caller(api.pool, secret)
    if caller is None:
        raise refused()
    return require_admin(caller)


Admin = Annotated[Caller, Depends(_admin)]

ConnectionPath = Annotated[str, Path(max_length=100, description="Id of the connection.")]
ConnectionQuery = Annotated[
    str | None,
    Query(max_length=100, description="Needed with an admin key; a token has its own connection."),
]


async def open_connection(
    api: Api, secret: str, connection_id: str | None, entity: str | None = None
) -> tuple[Access, Known]:
    """The caller's view of one connection.

    Raises:
        ProblemError: unknown key; or a connection that is not there for this caller.
    """
    access = await find_access(api.pool, secret, connection_id, entity)
    if access is None:
        raise refused()
    if connection_id is None and access.caller.kind is KeyKind.ADMIN:
        raise invalid("connection_id", "an admin key has to name the connection in the query")
    if access.known is None:
        raise not_found("connection", connection_id=connection_id)
    return access, access.known
