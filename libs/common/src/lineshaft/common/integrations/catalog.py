"""All source systems of a folder."""

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType

from lineshaft.common.errors import LineshaftError
from lineshaft.common.integrations.errors import Fault, IntegrationError
from lineshaft.common.integrations.system import MANIFEST, System


class UnknownSystemError(LineshaftError):
    """There is no such source system."""


class Catalog:
    def __init__(self, systems: Mapping[str, System]) -> None:
        self.systems: Mapping[str, System] = MappingProxyType(dict(systems))

    @classmethod
    def load(cls, folder: Path) -> "Catalog":
        """Reads every sub-folder that has a manifest.

        Raises:
            IntegrationError: the folder is missing, or a file in it is not valid.
        """
        if not folder.is_dir():
            raise IntegrationError(Fault(folder, "there is no such folder"))
        found = (place.parent for place in sorted(folder.glob(f"*/{MANIFEST}")))
        return cls({place.name: System.load(place) for place in found})

    def system(self, system_id: str) -> System:
        """Raises `UnknownSystemError` with the nearest names."""
        try:
            return self.systems[system_id]
        except KeyError:
            near = get_close_matches(system_id, list(self.systems)) or sorted(self.systems)
            raise UnknownSystemError(
                f"there is no system {system_id!r}; there are {', '.join(near)}"
            ) from None
