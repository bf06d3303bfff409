"""A Prometheus server as a child process: it scrapes a local stack and answers PromQL."""

import math
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import yaml

from lineshaft.tools.observability.scrape_settings import scrape_settings
from lineshaft.tools.stack.child import Child
from lineshaft.tools.stack.ports import LOOPBACK, free_port
from lineshaft.tools.stack.spawner import Command

_START_SECONDS = 30.0
_STOP_SECONDS = 10.0


class PrometheusMissingError(RuntimeError):
    """No `prometheus` on the PATH: install the package of that name."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


@dataclass(frozen=True, slots=True)
class Sample:
    labels: Mapping[str, str]
    value: float

    @property
    def finite(self) -> bool:
        return math.isfinite(self.value)


class Prometheus:
    """Scrapes `targets` (service -> URL of its metrics) from `with` to the end of the block.

    Start it before the story: a rate needs samples from before and after what it counts.
    """

    def __init__(
        self, targets: Mapping[str, str], *, every: str = "1s", alertmanager: str | None = None
    ) -> None:
        """`alertmanager` is the address of one that is told of alerts."""
        program = shutil.which("prometheus")
        if program is None:
            raise PrometheusMissingError
        self._program = program
        self._settings = scrape_settings(targets, every)
        if alertmanager is not None:
            managers = [{"static_configs": [{"targets": [alertmanager]}]}]
            self._settings["alerting"] = {"alertmanagers": managers}
        self._expected = len(targets)
        self._port = free_port()
        self._folder: Path | None = None
        self._child: Child | None = None

    @property
    def base_url(self) -> str:
        return f"http://{LOOPBACK}:{self._port}"

    def start(self) -> None:
        """Return when every target was scraped with success.

        Raises StartError with the last log lines, and what the targets answered, when that takes too long.
        """
        self._folder = Path(tempfile.mkdtemp(prefix="lineshaft-prometheus-"))
        configuration = self._folder / "prometheus.yml"
        configuration.write_text(yaml.safe_dump(self._settings), encoding="utf-8")
        command = Command(
            name="prometheus",
            arguments=(
                self._program,
                f"--config.file={configuration}",
                f"--storage.tsdb.path={self._folder / 'data'}",
                f"--web.listen-address={LOOPBACK}:{self._port}",
                "--log.level=warn",
            ),
            environment={"PATH": os.environ["PATH"], "HOME": str(self._folder)},
            folder=self._folder,
        )
        self._child = Child(command, self._folder / "prometheus.log")
        self._child.wait_until_ready(self._answers, _START_SECONDS)
        self._child.wait_until_ready(self._all_up, _START_SECONDS)

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop(_STOP_SECONDS)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def query(self, expression: str) -> list[Sample]:
        """The instant vector now; a scalar is one sample without labels.

        Raises ValueError with Prometheus's own message for an expression that it refuses.
        """
        answer = self._get("/api/v1/query", query=expression)
        if answer["status"] != "success":
            raise ValueError(f"{expression}: {answer['error']}")
        data = answer["data"]
        if data["resultType"] == "scalar":
            return [Sample({}, float(data["result"][1]))]
        return [Sample(series["metric"], float(series["value"][1])) for series in data["result"]]

    def targets(self) -> dict[str, str]:
        """Per scraped address `up`, or why not."""
        active = self._get("/api/v1/targets", state="active")["data"]["activeTargets"]
        return {target["scrapeUrl"]: target["lastError"] or target["health"] for target in active}

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.base_url}/-/ready", timeout=5, trust_env=False).is_success
        except httpx.TransportError:
            return False

    def _all_up(self) -> bool:
        states = list(self.targets().values())
        return len(states) == self._expected and all(state == "up" for state in states)

    def _get(self, path: str, **parameters: str) -> dict[str, Any]:
        response = httpx.get(f"{self.base_url}{path}", params=parameters, timeout=30, trust_env=False)
        answer: dict[str, Any] = response.json()
        return answer
