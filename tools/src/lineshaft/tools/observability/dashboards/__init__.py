"""The Grafana dashboards as code; `make docs` writes them to deploy/grafana/dashboards."""

import json
from pathlib import Path

from lineshaft.tools.observability.dashboards import connection, fleet, pipeline, services, webhooks

FOLDER = Path("deploy/grafana/dashboards")

_ALL = (fleet.DASHBOARD, connection.DASHBOARD, pipeline.DASHBOARD, webhooks.DASHBOARD, services.DASHBOARD)


def dashboard_files() -> dict[Path, str]:
    return {FOLDER / f"{one.name}.json": json.dumps(one.document(), indent=1) + "\n" for one in _ALL}
