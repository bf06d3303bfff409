"""Which environment variables a service reads."""

import importlib
import inspect

from lineshaft.common.postgres.bootstrap import BootstrapSettings
from lineshaft.common.settings import Settings
from lineshaft.tools.generate.settings import variable


def settings_class(service: str) -> type[Settings]:
    """The one in its `settings.py`; that of all services where it has none, as a job."""
    try:
        namespace = importlib.import_module(f"lineshaft.{service.replace('-', '_')}.settings")
    except ModuleNotFoundError:
        return Settings
    [found] = [
        member
        for _, member in inspect.getmembers(namespace, inspect.isclass)
        if issubclass(member, Settings) and member.__module__ == namespace.__name__
    ]
    return found


def variables(settings: type[Settings] | type[BootstrapSettings]) -> set[str]:
    return {variable(name) for name in settings.model_fields}


BOOTSTRAP = variables(BootstrapSettings)
