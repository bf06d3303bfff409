"""The shipped Prometheus configuration, pointed at the processes of a local stack."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from lineshaft.tools.stack.layout import find_checkout

JOB_PREFIX = "lineshaft-"

_REPLICA = re.compile(r"-\d+$")


def scrape_settings(targets: Mapping[str, str], every: str, shipped: Path | None = None) -> dict[str, Any]:
    """The shipped jobs with the addresses of `targets` (service -> URL) in place of the containers' names.

    A service is named as in its folder or its package, a further replica with a number: `connector-2`.
    Raises KeyError for a service that the shipped configuration doesn't scrape.
    """
    source = shipped or find_checkout() / "deploy" / "prometheus" / "prometheus.yml"
    settings: dict[str, Any] = yaml.safe_load(source.read_text(encoding="utf-8"))
    jobs = {job["job_name"]: job for job in settings["scrape_configs"]}
    settings["global"] |= {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every}
    settings["rule_files"] = [str(source.parent / name) for name in settings.get("rule_files", ())]
    settings["scrape_configs"] = [_aimed(jobs[job], urls) for job, urls in _by_job(targets).items()]
    return settings


def _by_job(targets: Mapping[str, str]) -> dict[str, list[str]]:
    urls = defaultdict(list)
    for name, url in targets.items():
        urls[JOB_PREFIX + _REPLICA.sub("", name.replace("_", "-"))].append(url)
    return urls


def _aimed(job: Mapping[str, Any], urls: Sequence[str]) -> dict[str, Any]:
    addresses = [urlsplit(url) for url in urls]
    return {
        **{key: value for key, value in job.items() if key != "dns_sd_configs"},
        "scheme": addresses[0].scheme,
        "metrics_path": addresses[0].path.rstrip("/") or "/metrics",
        "static_configs": [{"targets": [address.netloc for address in addresses]}],
    }
