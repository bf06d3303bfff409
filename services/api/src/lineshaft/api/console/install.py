"""The console beside the API, in the same application."""

from fastapi import APIRouter, FastAPI

from lineshaft.api.console import (
    admin_keys,
    alerts,
    audit,
    connect,
    connection,
    connection_actions,
    connection_settings,
    deletions,
    drift,
    explore,
    fleet,
    mapping_editor,
    mapping_look,
    mapping_tries,
    mapping_versions,
    objects,
    oidc,
    sign_in,
    site,
    webhooks,
)
from lineshaft.api.console.pages import HOME, problem_page
from lineshaft.api.console.throttle import Throttle
from lineshaft.api.console.visitors import SignInNeededError, on_sign_in_needed
from lineshaft.api.routes.existence import NoConnectionError

ROUTERS: tuple[APIRouter, ...] = (
    site.router,
    sign_in.router,
    oidc.router,
    fleet.router,
    connect.router,
    connection.router,
    connection_actions.router,
    connection_settings.router,
    deletions.router,
    drift.router,
    mapping_tries.router,
    mapping_versions.router,
    mapping_editor.router,
    mapping_look.router,
    objects.router,
    explore.router,
    webhooks.router,
    alerts.router,
    audit.router,
    admin_keys.router,
)


def install(app: FastAPI) -> None:
    for router in ROUTERS:
        app.include_router(router, include_in_schema=False)
    app.add_exception_handler(SignInNeededError, on_sign_in_needed)
    app.add_exception_handler(NoConnectionError, deletions.on_no_connection)
    app.state.problem_pages[HOME] = problem_page
    app.state.throttle = Throttle()
    oidc.install_provider(app, app.state.context.settings)
