from pydantic import Field

from lineshaft.common.settings import Settings


class MappingSettings(Settings):
    batch_records: int = Field(
        default=1_000, ge=1, description="About how many records are mapped and stored in one transaction."
    )
    remap_chunk_records: int = Field(
        default=500, ge=1, description="Stored records per chunk of a re-map; live pages go in between."
    )
    compiled_mappings: int = Field(
        default=500,
        ge=1,
        description="Customers' compiled mappings kept in memory, about 25 kB each; others take 2 ms more.",
    )
    slices_keep_hours: float = Field(
        default=24.0,
        gt=0,
        description="Keys of read slices are kept this long and until their read ends, then written into the"
        " records.",
    )
    syncs_keep_days: float = Field(
        default=30.0,
        gt=0,
        description="Results of syncs are kept this long; a connection's last one longer.",
    )
