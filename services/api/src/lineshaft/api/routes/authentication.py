"""Who asks, and whether their key opens the route: every route names what it needs by one of these types.

`CanRead`, `CanConnect` and `CanManage` take an admin key with that scope, and give the caller. `KeyToRead`
and `KeyToWrite` take a connection token, too, which opens its own connection alone: `open_connection` looks.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Path, Query, Request, Security
from fastapi.security import HTTPBearer

from lineshaft.api.adapters.keys import Access, Caller, find_access, find_caller
from lineshaft.api.domain.keys import KeyKind, Scope, kind_of
from lineshaft.api.domain.problems import ProblemCode, invalid, not_found, problem, unauthorized
from lineshaft.api.domain.status import Known
from lineshaft.api.routes.context import Api

_SCHEME = "bearer "
ADMIN_KEY, ANY_KEY = "admin_key", "key"
_DESCRIPTIONS = {
    ADMIN_KEY: "An admin key `lsa_...` with the scope that the route names: `read`, `connect` or `manage`.",
    ANY_KEY: "The connection's token `lsc_...`, or an admin key `lsa_...` with the scope that is named.",
}


@dataclass(frozen=True, slots=True)
class Presented:
    """A key that may be one of ours, and the scope that it needs here."""

    secret: str
    scope: Scope


class KeyBearer(HTTPBearer):
    """Comes before anything else of the request is looked at."""

    def __init__(self, scope: Scope, scheme_name: str = ANY_KEY) -> None:
        super().__init__(scheme_name=scheme_name, description=_DESCRIPTIONS[scheme_name])
        self.scope = scope

    async def __call__(self, request: Request) -> Presented:  # type: ignore[override]  # with its scope
        return self.presented(request)

    def presented(self, request: Request) -> Presented:
        """After the checks that need no look-up.

        Raises:
            ProblemError: there is no key, or one that was never ours.
        """
        header = request.headers.get("authorization", "")
        if not header:
            raise unauthorized("Send your key as `Authorization: Bearer ...`.")
        secret = header[len(_SCHEME) :].strip()
        if not header.lower().startswith(_SCHEME) or kind_of(secret) is None:
            raise unauthorized("This is not a Lineshaft key; check that it was copied whole.")
        return Presented(secret, self.scope)


READING = KeyBearer(Scope.READ)
KeyToRead = Annotated[Presented, Security(READING, scopes=[Scope.READ])]


async def identify(api: Api, key: Presented) -> Caller:
    """Who asks, with the scope that is needed.

    Raises:
        ProblemError: the key is not known, has ended, or lacks the scope.
    """
    caller = await find_caller(api.pool, key.secret)
    if caller is None:
        raise _refused()
    _require_scope(caller, key.scope)
    return caller


async def _writing(
    api: Api, key: Annotated[Presented, Security(KeyBearer(Scope.MANAGE), scopes=[Scope.MANAGE])]
) -> Presented:
    """Before the body is looked at."""
    await identify(api, key)
    return key


KeyToWrite = Annotated[Presented, Depends(_writing)]


def _admin(scope: Scope) -> object:
    bearer = KeyBearer(scope, ADMIN_KEY)

    async def admin(api: Api, key: Annotated[Presented, Security(bearer, scopes=[scope])]) -> Caller:
        caller = await identify(api, key)
        if caller.kind is not KeyKind.ADMIN:
            raise problem(ProblemCode.FORBIDDEN, "A connection token may not do this; use an admin key.")
        return caller

    return Depends(admin)


CanRead = Annotated[Caller, _admin(Scope.READ)]
CanConnect = Annotated[Caller, _admin(Scope.CONNECT)]
CanManage = Annotated[Caller, _admin(Scope.MANAGE)]

ConnectionPath = Annotated[str, Path(max_length=100, description="Id of the connection.")]
ConnectionQuery = Annotated[
    str | None,
    Query(max_length=100, description="Needed with an admin key; a token has its own connection."),
]


async def open_connection(
    api: Api, key: Presented, connection_id: str | None, entity: str | None = None
) -> tuple[Access, Known]:
    """The caller's view of one connection.

    Raises:
        ProblemError: unknown key, one without the scope; or a connection that is not there for this caller.
    """
    access = await find_access(api.pool, key.secret, connection_id, entity)
    if access is None:
        raise _refused()
    _require_scope(access.caller, key.scope)
    if connection_id is None and access.caller.kind is KeyKind.ADMIN:
        raise invalid("connection_id", "an admin key has to name the connection in the query")
    if access.known is None:
        raise not_found("connection", connection_id=connection_id)
    return access, access.known


def _refused() -> Exception:
    return unauthorized("This key is not known, or no longer.")


def _require_scope(caller: Caller, scope: Scope) -> None:
    if caller.kind is KeyKind.ADMIN and scope not in caller.scopes:
        has = ", ".join(sorted(caller.scopes))
        raise problem(ProblemCode.FORBIDDEN, f"This needs a key with the scope {scope}; yours has {has}.")
