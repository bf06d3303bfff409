from collections.abc import Mapping


def in_ci(environment: Mapping[str, str]) -> bool:
    """Where nothing may be left out: a green run has seen the real thing."""
    return environment.get("CI", "") not in ("", "0", "false")
