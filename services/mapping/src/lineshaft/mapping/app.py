"""Composition root."""

from datetime import timedelta

from lineshaft.common import topics
from lineshaft.common.clock import now
from lineshaft.common.events.commands import DeletionsApproved, MappingPurgeRequested
from lineshaft.common.events.envelope import Decoder
from lineshaft.common.events.mappings import MappingChanged
from lineshaft.common.integrations import Catalog
from lineshaft.common.kafka.consumer import Subscription
from lineshaft.common.kafka.producer import Producer
from lineshaft.common.kafka.quarantine import Quarantine
from lineshaft.common.postgres.inbox import transactional
from lineshaft.common.postgres.migrate import migrate
from lineshaft.common.postgres.pool import Pool, create_pool
from lineshaft.common.service import Service, start_producer
from lineshaft.mapping.commands import on_commands
from lineshaft.mapping.completion import Completer
from lineshaft.mapping.deleting import Deleter
from lineshaft.mapping.domain.mappings import Mappings
from lineshaft.mapping.domain.messages import decode
from lineshaft.mapping.drifting import Drifts
from lineshaft.mapping.handlers import RawHandler
from lineshaft.mapping.purging import Purger
from lineshaft.mapping.recording import Recorder
from lineshaft.mapping.remapping import Remapper, on_mappings_changed
from lineshaft.mapping.retiring import Retirer
from lineshaft.mapping.settings import MappingSettings
from lineshaft.mapping.workers import housekeeping

NAME = "mapping"
MAPPINGS = "mappings"
COMMANDS = "commands"
MAX_MESSAGES = 200
"""A message holds up to 500 kB of records."""

SERVER_SETTINGS = {"plan_cache_mode": "force_custom_plan"}
"""A plan kept from when a table was nearly empty reads too much once a first sync fills it."""


async def build(settings: MappingSettings) -> Service:
    catalog = Catalog.load(settings.integrations_dir)
    pool = await create_pool(
        settings.postgres_dsn.get_secret_value(),
        size=settings.postgres_pool_size,
        service=NAME,
        server_settings=SERVER_SETTINGS,
    )
    await migrate(pool, "lineshaft.mapping.adapters")
    producer = await start_producer(settings, NAME)
    mappings = Mappings(catalog.systems, settings.compiled_mappings)
    quarantine = Quarantine()
    return Service(
        name=NAME,
        settings=settings,
        pool=pool,
        producer=producer,
        subscriptions=[
            Subscription(
                "records",
                [topics.RECORDS_RAW],
                decode=decode,
                handle=raw_handler(pool, producer, mappings, settings, quarantine),
                max_records=MAX_MESSAGES,
                quarantine=quarantine,
            ),
            Subscription(
                MAPPINGS,
                [topics.MAPPINGS],
                decode=Decoder(MappingChanged),
                handle=transactional(pool, MAPPINGS, on_mappings_changed),
            ),
            Subscription(
                COMMANDS,
                [topics.COMMANDS_MAPPING],
                decode=Decoder(DeletionsApproved, MappingPurgeRequested),
                handle=transactional(pool, COMMANDS, on_commands),
            ),
        ],
        background={
            "purges": Purger(pool, producer, now).run,
            "housekeeping": housekeeping(
                pool,
                now,
                slices=timedelta(hours=settings.slices_keep_hours),
                results=timedelta(days=settings.syncs_keep_days),
            ),
        },
    )


def raw_handler(
    pool: Pool,
    producer: Producer,
    mappings: Mappings,
    settings: MappingSettings,
    quarantine: Quarantine,
) -> RawHandler:
    recorder = Recorder(pool, producer, mappings, now, quarantine)
    return RawHandler(
        recorder,
        deleter=Deleter(pool, recorder),
        completer=Completer(pool, now),
        remapper=Remapper(pool, producer, mappings, now, settings.remap_chunk_records),
        retirer=Retirer(pool, producer, now, settings.remap_chunk_records),
        drifts=Drifts(pool, mappings),
        batch_records=settings.batch_records,
    )
