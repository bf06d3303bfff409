"""An OData 4 service that others wrote, `odatapy`; ours are its data and its model alone."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from odatapy.data import Entity, ValueType
from odatapy.edm.csdl import (
    CsdlAbstractEdmProvider,
    CsdlEntityContainer,
    CsdlEntitySet,
    CsdlEntityType,
    CsdlProperty,
    CsdlPropertyRef,
    CsdlSchema,
)
from odatapy.server import OData
from odatapy.server.adapters import ODataWSGIApp
from odatapy.server.inmemory import InMemoryDataStore, InMemoryProcessor

from lineshaft.common.integrations import Manifest, System

TYPES = {
    "Plant": "Edm.Int32",
    "No": "Edm.String",
    "Name": "Edm.String",
    "Price": "Edm.Decimal",
    "ChangedAt": "Edm.DateTimeOffset",
}
KEY = ("Plant", "No")
SET = "Machines"


class _Provider(CsdlAbstractEdmProvider):
    def get_schemas(self) -> list[CsdlSchema]:
        properties = [
            CsdlProperty(name=name, type=kind, nullable=name not in KEY, precision=10, scale=2)
            if kind == "Edm.Decimal"
            else CsdlProperty(name=name, type=kind, nullable=name not in KEY)
            for name, kind in TYPES.items()
        ]
        machine = CsdlEntityType(
            name="Machine", key=[CsdlPropertyRef(name=name) for name in KEY], properties=properties
        )
        container = CsdlEntityContainer(
            name="Container", entity_sets=[CsdlEntitySet(name=SET, type="Plant.Machine")]
        )
        return [CsdlSchema(namespace="Plant", entity_types=[machine], entity_container=container)]


def odatapy_system(resource: str = f"/{SET}", **options: Any) -> System:
    manifest = {
        "manifest": 1,
        "id": "odatapy",
        "label": "Plant",
        "protocol": "odata",
        "verification": "real",
        "evidence": ["odatapy"],
        "settings": [{"key": "base_url", "title": "A"}],
        "credentials": [
            {"key": "username", "title": "U", "secret": False},
            {"key": "password", "title": "P"},
        ],
        "auth": {"strategy": "basic"},
        "verify": {"request": {"path": f"/{SET}?$top=1&$select=No"}, "account": "{username}"},
        "options": {"version": 4, "service": "/"} | options,
        "objects": {
            SET: {
                "label": "Machines",
                "resource": resource,
                "key": ["Plant", "No"],
                "filter": "Price ge 1",
                "cursor": {"field": "ChangedAt", "overlap_s": 60},
                "write": {"create": True, "update": True, "delete": True},
            }
        },
    }
    return System(Manifest.model_validate(manifest), {})


class OdatapySource:
    system = "odatapy"

    def __init__(self, page_size: int | None = None) -> None:
        """`page_size` is the server's own, which no client can widen."""
        odata = OData.new_instance()
        self._handler = odata.create_handler(odata.create_service_metadata(_Provider()))
        self.store = InMemoryDataStore()
        self.store.set_entities(SET, [])
        self._handler.register(InMemoryProcessor(self.store, page_size))
        self.port = 0
        self.asked: list[str] = []

    @property
    def connection_fields(self) -> dict[str, str]:
        return {"base_url": f"http://127.0.0.1:{self.port}", "username": "reader", "password": "any"}

    def put(self, plant: int, no: str, changed: datetime, **values: Any) -> None:
        entity = Entity()
        for name, value in {"Plant": plant, "No": no, "ChangedAt": changed, **values}.items():
            entity.set_property(name, value, ValueType.PRIMITIVE, TYPES[name])
        others = [one for one in self.store.entities(SET) if _key(one) != (plant, no)]
        self.store.set_entities(SET, [*others, entity])

    @contextmanager
    def serving(self) -> Iterator[None]:
        app = ODataWSGIApp(self._handler)

        def noted(environ: dict[str, Any], start: Any) -> Any:
            self.asked.append(f"{environ['PATH_INFO']}?{environ['QUERY_STRING']}")
            return app(environ, start)

        server = make_server("127.0.0.1", 0, noted, handler_class=_Quiet)
        self.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base's signature
        logging.getLogger(__name__).debug(format, *args)


def _key(entity: Entity) -> tuple[Any, ...]:
    return tuple(entity.get_property(name).value for name in KEY)
