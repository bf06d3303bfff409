"""What the connector knows by name; its own tests hold this list to it."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from lineshaft.common.integrations.manifest import Manifest
from lineshaft.common.integrations.oauth import OAUTH_STRATEGIES, oauth_faults

HTTP_STRATEGIES = ("bearer", "basic", "api_key", "header", *OAUTH_STRATEGIES)

STRATEGIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "jsonrpc/odoo": ("odoo_login",),
        "jsonrpc/odoo_json2": ("odoo_api_key",),
        "jsonrpc/tryton": ("tryton_session",),
        "odata": HTTP_STRATEGIES,
        "rest": HTTP_STRATEGIES,
        "rest/fiix": ("fiix_signature",),
        "rest/maximo": ("maximo_login",),
        "sql/mariadb": ("sql_login",),
        "sql/postgresql": ("sql_login",),
    }
)
"""Each protocol, with its dialect where it has one, and the ways to log in there."""

PAGED = "rest"
"""The one protocol whose manifests say how pages go on; the others know."""


def protocol_of(manifest: Manifest) -> str:
    """The protocol, with its dialect where it has one."""
    return "/".join(filter(None, (manifest.protocol, manifest.dialect)))


def strategy_faults(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """Keys that name what the connector does not know, each with what there is."""
    protocol = protocol_of(manifest)
    if protocol not in STRATEGIES:
        start = f"{manifest.protocol}/"
        dialects = [one.removeprefix(start) for one in STRATEGIES if one.startswith(start)]
        allowed = f"allowed are {', '.join(dialects)}" if dialects else "this protocol has none, leave it out"
        yield "dialect", f"there is no dialect {manifest.dialect!r} of {manifest.protocol}; {allowed}"
        return
    if manifest.auth.strategy not in STRATEGIES[protocol]:
        allowed = ", ".join(STRATEGIES[protocol])
        yield "auth.strategy", f"there is no {manifest.auth.strategy!r} for {protocol}; allowed are {allowed}"
    elif manifest.auth.strategy in OAUTH_STRATEGIES:
        yield from oauth_faults(manifest)
    for name, described in manifest.objects.items():
        if described.paging is not None and protocol != PAGED:
            yield f"objects.{name}.paging", f"{protocol} knows how its pages go on; leave it out"
        if described.paging is None and protocol == PAGED:
            # to forget it would be to take the first page for everything
            yield f"objects.{name}", "paging is missing: say how pages go on, type none where there are none"
