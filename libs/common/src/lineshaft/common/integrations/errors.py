"""What can be wrong with an integration's folder."""

from dataclasses import dataclass
from pathlib import Path

from lineshaft.common.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong in one file."""

    file: Path
    message: str
    """Says what is allowed."""
    key: str | None = None
    """Dotted, `objects.assets.key`; None where the file as a whole is meant."""
    line: int | None = None

    @property
    def text(self) -> str:
        return f"{self.key}: {self.message}" if self.key else self.message

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else str(self.file)
        return f"{place}: {self.text}"


class IntegrationError(ConfigurationError):
    """An integration's files are not valid; each fault names file, line, key and what is allowed."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults
