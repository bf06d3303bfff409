"""The protocols by name; a manifest chooses one."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from lineshaft.common.errors import ConfigurationError
from lineshaft.connector.adapters.http import SourceHttp
from lineshaft.connector.adapters.protocols.fiix import Fiix
from lineshaft.connector.adapters.protocols.jsonrpc_tryton import TrytonJsonRpc
from lineshaft.connector.adapters.protocols.maximo import Maximo
from lineshaft.connector.adapters.protocols.odata import OData
from lineshaft.connector.adapters.protocols.odoo import Odoo
from lineshaft.connector.adapters.protocols.odoo_json2 import OdooJson2
from lineshaft.connector.adapters.protocols.odoo_rpc import OdooRpc
from lineshaft.connector.adapters.protocols.rest import Rest
from lineshaft.connector.adapters.protocols.sql import Sql
from lineshaft.connector.adapters.protocols.sql_dialect import Dialect
from lineshaft.connector.adapters.protocols.sql_mariadb import MariaDb
from lineshaft.connector.adapters.protocols.sql_postgresql import PostgreSql
from lineshaft.connector.adapters.protocols.target import Target
from lineshaft.connector.domain.protocol import SourceAdapter
from lineshaft.connector.domain.sessions import Sessions

Opener = Callable[[Target, SourceHttp, Sessions], SourceAdapter]


def _sql(dialect: Dialect) -> Opener:
    return lambda target, http, sessions: Sql(dialect, target, http, sessions)


PROTOCOLS: Mapping[str, Opener] = MappingProxyType(
    {
        "jsonrpc/tryton": TrytonJsonRpc,
        "jsonrpc/odoo": lambda target, http, sessions: Odoo(target, OdooRpc(target, http, sessions)),
        "jsonrpc/odoo_json2": lambda target, http, _: Odoo(target, OdooJson2(target, http)),
        "odata": OData,
        "rest": Rest,
        "rest/fiix": Fiix,
        "rest/maximo": Maximo,
        "sql/postgresql": _sql(PostgreSql()),
        "sql/mariadb": _sql(MariaDb()),
    }
)


def open_source(target: Target, http: SourceHttp, sessions: Sessions) -> SourceAdapter:
    """The adapter of a target.

    Raises:
        ConfigurationError: no adapter speaks the protocol of its manifest.
    """
    manifest = target.system.manifest
    protocol = "/".join(filter(None, (manifest.protocol, manifest.dialect)))
    opener = PROTOCOLS.get(protocol)
    if opener is None:
        raise ConfigurationError(
            f"{manifest.id}: no adapter for protocol {protocol}; there is {', '.join(PROTOCOLS)}"
        )
    return opener(target, http, sessions)
