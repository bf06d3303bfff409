"""dlt's REST source with a cursor, to JSON lines. `extract` stops where dlt has fetched the records."""

from tempfile import TemporaryDirectory

import dlt  # type: ignore[import-not-found]  # in the peers' own environment
from dlt.sources.rest_api import rest_api_source  # type: ignore[import-not-found]  # the same
from harness.meter import Meter, spec


def main() -> None:
    asked = spec()
    source = rest_api_source(
        {
            "client": {
                "base_url": asked["source"],
                "paginator": {"type": "cursor", "cursor_path": "next", "cursor_param": "after"},
            },
            "resources": [
                {
                    "name": "work_order",
                    "endpoint": {
                        "path": f"rows_{asked['records']}",
                        "params": {"limit": asked["page"]},
                        "data_selector": "records",
                    },
                    "max_table_nesting": 0,
                }
            ],
        }
    )
    with TemporaryDirectory() as folder:
        pipeline = dlt.pipeline(
            "bench",
            pipelines_dir=f"{folder}/pipelines",
            destination=dlt.destinations.filesystem(f"file://{folder}/out"),
            dataset_name="bench",
        )
        meter = Meter()
        meter.start()
        pipeline.extract(source, loader_file_format="jsonl")
        if not asked["extract"]:
            pipeline.normalize()
            pipeline.load()
        meter.stop(asked["records"])


if __name__ == "__main__":
    main()
