"""What each system can do, as rows of a table."""

from collections.abc import Callable

from lineshaft.cli.integrations.folder import Examined
from lineshaft.common.integrations.manifest import SourceObject

HEADER = (
    "system",
    "protocol",
    "verification",
    "objects",
    "entities",
    "read",
    "incremental",
    "create",
    "update",
    "delete",
    "faults",
)

_CAPABILITIES: tuple[Callable[[SourceObject], bool], ...] = (
    lambda one: one.cursor is not None,
    lambda one: one.write.create,
    lambda one: one.write.update,
    lambda one: one.write.delete,
)


def row(examined: Examined) -> tuple[str, ...]:
    """Counts of objects, `-` where the folder cannot be loaded."""
    if examined.system is None:
        return (examined.name, *["-"] * (len(HEADER) - 2), str(len(examined.faults)))
    manifest = examined.system.manifest
    objects = list(manifest.objects.values())
    counts = [len(objects), *(sum(map(capability, objects)) for capability in _CAPABILITIES)]
    protocol = "/".join(filter(None, (manifest.protocol, manifest.dialect)))
    size = (str(len(objects)), str(len(examined.system.entities)))
    return (
        examined.name,
        protocol,
        manifest.verification,
        *size,
        *map(str, counts),
        str(len(examined.faults)),
    )
