"""The FastAPI application."""

from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI

from lineshaft.api.routes import (
    admin_keys,
    alert_channels,
    audit_log,
    branding,
    bulk_writes,
    connect,
    connect_choices,
    connect_consents,
    connections,
    deletions,
    diagnoses,
    documentation,
    drift,
    fleet,
    health,
    link_sessions,
    mapping_files,
    mapping_insight,
    mapping_trials,
    mappings,
    meta,
    networks,
    oauth_clients,
    object_data,
    objects,
    operations,
    orders,
    purges,
    reauthorize,
    replays,
    schedules,
    schemas,
    support_bundle,
    syncs,
    systems,
    webhook_endpoints,
    writes,
)
from lineshaft.api.routes.answers import EXCEPTION_HANDLERS, ProblemModel, problems
from lineshaft.api.routes.connect_pages import problem_page
from lineshaft.api.routes.context import Context
from lineshaft.api.routes.data import data_router
from lineshaft.api.routes.middleware import RequestMiddleware
from lineshaft.api.routes.rate_limits import RateLimitMiddleware
from lineshaft.api.routes.thin import ThinRoutes
from lineshaft.common.operations import Check, operations_routes

DESCRIPTION = (
    "One API for the CMMS, EAM, ERP and WMS of your customers: connect them, read and write their records in"
    " one model, shape the mapping, watch their health."
)


def create_application(context: Context, checks: Mapping[str, Check]) -> FastAPI:
    app = FastAPI(
        title="Lineshaft",
        version="1",
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        separate_input_output_schemas=False,
        exception_handlers=EXCEPTION_HANDLERS,
        redirect_slashes=False,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    app.state.context = context
    app.state.problem_pages = {"/connect/": problem_page, "/reauthorize/": problem_page}
    routers = (
        health.router,
        orders.router,
        diagnoses.router,
        support_bundle.router,
        fleet.router,
        data_router(),
        object_data.router,
        systems.router,
        oauth_clients.router,
        link_sessions.router,
        connections.router,
        purges.router,
        networks.router,
        mappings.router,
        mapping_trials.router,
        mapping_insight.router,
        mapping_files.router,
        objects.router,
        schemas.router,
        syncs.router,
        schedules.router,
        deletions.router,
        drift.router,
        webhook_endpoints.router,
        alert_channels.router,
        replays.router,
        bulk_writes.bulk_router(),
        writes.writes_router(),
        operations.router,
        meta.router,
        connect_consents.router,
        connect.router,
        connect_choices.router,
        reauthorize.router,
        audit_log.router,
        admin_keys.router,
        documentation.router,
        branding.router,
    )
    for router in routers:
        app.include_router(router)
    app.router.routes.insert(0, ThinRoutes(route for router in routers for route in router.routes))
    app.router.routes.extend(operations_routes(checks))
    if context.settings.requests_per_minute:
        app.add_middleware(RateLimitMiddleware, per_minute=context.settings.requests_per_minute)
    app.add_middleware(RequestMiddleware)
    _describe_problems(app)
    return app


def _operations(description: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for methods in description["paths"].values():
        yield from methods.values()


def _describe_problems(app: FastAPI) -> None:
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        description = generate()
        schemas = description.setdefault("components", {}).setdefault("schemas", {})
        if "Problem" not in schemas:
            for operation in _operations(description):
                if "requestBody" in operation:
                    operation["responses"] |= {"413": problems(413)[413]}
            problem = ProblemModel.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas |= problem.pop("$defs", {})
            schemas["Problem"] = problem
        return description

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to extend the description
