"""What a mapping depends on besides its definition."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MappingContext:
    mapping_version: int = 0
    """Written into each document."""
