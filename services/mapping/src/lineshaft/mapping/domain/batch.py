"""Maps pages of records against what is stored, in order, without touching Kafka or the store."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
import orjson
from xxhash import xxh3_128_hexdigest

from lineshaft.common import exact_json
from lineshaft.common.kafka.record import Message
from lineshaft.common.mapping import Mapped
from lineshaft.common.mapping.cleaning import clean, has_escaped_nul
from lineshaft.common.mapping.plain import iso
from lineshaft.common.unified import entity_id
from lineshaft.mapping.domain.entity_events import EntityEvents
from lineshaft.mapping.domain.field_errors import FieldErrorCounts
from lineshaft.mapping.domain.mappings import ActiveMapping
from lineshaft.mapping.domain.messages import Page, Position
from lineshaft.mapping.domain.records import DELETED_HASH, Effect, Origin, Row, Stored, fitting
from lineshaft.mapping.domain.retirements import deleted_document
from lineshaft.mapping.domain.source_keys import NoKeyError, ReadKey

_NEW, _CHANGED, _UNCHANGED = Effect.NEW, Effect.CHANGED, Effect.UNCHANGED
"""Asked for once per record; a member of an enumeration is looked up by a call."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """One record that cannot be mapped at all."""

    page: Page
    raw: msgspec.Raw
    error: Exception


@dataclass(slots=True)
class KeyedPage:
    """A page whose records are known by their keys; of two with one key the last one counts."""

    page: Page
    mappings: Sequence[ActiveMapping]
    records: dict[str, msgspec.Raw]
    ids: list[list[str]]
    """The entity ids of the records, per mapping."""
    deleted_ids: list[list[str]]
    """Those of the records that the source no longer has."""

    @property
    def keys(self) -> list[str]:
        return [*self.records, *self.page.data.deleted]


@dataclass(slots=True)
class Result:
    """What a batch wants published and stored."""

    messages: list[Message] = field(default_factory=list)
    rows: dict[str, Row] = field(default_factory=dict)
    """The last state of each entity, by id."""
    based_on: dict[str, int] = field(default_factory=dict)
    """The revision in the store that a row replaces; 0 for a new one."""
    effects: Counter[tuple[str, str, Effect]] = field(default_factory=Counter)
    """Counted by system, entity and effect."""
    errors: FieldErrorCounts = field(default_factory=FieldErrorCounts)
    rejected: list[Rejected] = field(default_factory=list)


def key_page(
    page: Page, read_key: ReadKey, mappings: Sequence[ActiveMapping], rejected: list[Rejected]
) -> KeyedPage:
    data = page.data
    records: dict[str, msgspec.Raw] = {}
    for raw in data.records:
        try:
            records[read_key(raw)] = raw
        except NoKeyError as error:
            rejected.append(Rejected(page, raw, error))
    connection_id = data.connection_id
    ids, deleted_ids = (
        [[entity_id(connection_id, mapping.entity, key) for key in keys] for mapping in mappings]
        for keys in (records, data.deleted)
    )
    return KeyedPage(page, mappings, records, ids, deleted_ids)


class Batch:
    """Pages in the order in which they came; `stored` is brought up to date record by record."""

    def __init__(
        self,
        stored: dict[str, Stored],
        now: datetime,
        result: Result,
        documents: Mapping[str, tuple[bytes, bytes]] | None = None,
    ) -> None:
        """`documents` holds the raw record and the document of each stored one that is deleted."""
        self.result = result
        self.stored = stored
        self.documents = documents or {}
        self.now = now
        self.time = now.isoformat().encode()

    def add(self, keyed: KeyedPage, overtaken: frozenset[str]) -> None:
        """Map one page.

        Args:
            keyed: the page.
            overtaken: keys that a later read has seen already.
        """
        for mapping, ids, deleted_ids in zip(keyed.mappings, keyed.ids, keyed.deleted_ids, strict=True):
            page = _OnePage(self, keyed, mapping)
            page.map(ids, overtaken)
            if deleted_ids:
                page.delete(deleted_ids, overtaken)


class _OnePage:
    """One page mapped to one entity: what is the same for all of its records is looked up once."""

    def __init__(self, batch: Batch, keyed: KeyedPage, mapping: ActiveMapping) -> None:
        data = keyed.page.data
        self._result = batch.result
        self._stored = batch.stored
        self._documents = batch.documents
        self._now = batch.now
        self._page = keyed.page
        self._records = keyed.records
        self._apply = mapping.compiled.apply
        self._connection_id = data.connection_id
        self._position = data.position
        self._origin = Origin(
            data.connection_id,
            mapping.entity,
            data.object,
            mapping.version,
            mapping.digest,
            data.lease_epoch,
            data.read_sequence,
            data.read_at,
        )
        self._observed_at = iso(data.read_at)
        self._events = EntityEvents(
            data.connection_id, mapping.entity, mapping.version, batch.time, keyed.page.traceparent
        )

    def map(self, ids: Sequence[str], overtaken: frozenset[str]) -> None:
        stored, position, digest = self._stored, self._position, self._origin.mapping_digest
        effects: list[Effect] = []
        unchanged = stale = 0
        for (source_id, raw), record_id in zip(self._records.items(), ids, strict=True):
            before = stored.get(record_id)
            if source_id in overtaken or (before is not None and before.overtakes(position)):
                stale += 1
                continue
            raw_hash = xxh3_128_hexdigest(raw)
            if before is not None and before.made_from(raw_hash, digest):
                unchanged += 1
                continue
            try:
                effect = self._map_one(record_id, source_id, bytes(raw), raw_hash, before)
            except Exception as error:  # noqa: BLE001  one record never takes its neighbours with it
                self._result.rejected.append(Rejected(self._page, raw, error))
            else:
                effects.append(effect)
        counts = {effect: effects.count(effect) for effect in Effect}
        counts[Effect.UNCHANGED] += unchanged
        counts[Effect.STALE] += stale
        for effect, count in counts.items():
            self._result.effects[self._page.data.system, self._origin.entity, effect] += count

    def _map_one(
        self, record_id: str, source_id: str, raw: bytes, raw_hash: str, before: Stored | None
    ) -> Effect:
        record = exact_json.decode(raw)
        if has_escaped_nul(raw):
            record = clean(record)
            raw = orjson.dumps(record)
        mapped = self._apply(self._connection_id, source_id, record, self._observed_at, record_id)
        content_hash = mapped.content_hash
        if before is None:
            effect, revision, changed_at = _NEW, 1, self._now
        elif before.content_hash == content_hash:
            effect, revision, changed_at = _UNCHANGED, before.revision, before.changed_at
        else:
            effect, revision, changed_at = _CHANGED, before.revision + 1, self._now
        document = fitting(mapped.encode(revision))
        if mapped.errors:
            self._count_errors(source_id, mapped)
        row = Row(
            self._origin, record_id, source_id, raw, raw_hash, document, content_hash, revision, changed_at
        )
        if effect is not _UNCHANGED:
            if mapped.document.get("deleted_at") is None:
                self._result.messages.append(
                    self._events.upserted(record_id, revision, content_hash, document)
                )
            else:
                self._result.messages += self._events.deleted(record_id, revision, content_hash, document)
        self._keep(row, before)
        return effect

    def delete(self, ids: Sequence[str], overtaken: frozenset[str]) -> None:
        """Records that the source no longer has; what was known of them stays readable."""
        counts = self._result.effects
        for source_id, record_id in zip(self._page.data.deleted, ids, strict=True):
            before = self._stored.get(record_id)
            effect = Effect.DELETED
            if before is None or source_id in overtaken or before.overtakes(self._position):
                effect = Effect.STALE
            elif before.content_hash == DELETED_HASH:
                effect = Effect.UNCHANGED
            else:
                self._delete_one(record_id, source_id, before)
            counts[self._page.data.system, self._origin.entity, effect] += 1

    def _delete_one(self, record_id: str, source_id: str, before: Stored) -> None:
        last = self._result.rows.get(record_id)
        raw, known = self._documents[record_id] if last is None else (last.raw, last.document)
        revision = before.revision + 1
        if before.mapping_digest != self._origin.mapping_digest:
            known = self._mapped_anew(source_id, raw, known)
        document = deleted_document(
            known, at=self._observed_at, revision=revision, kind=self._page.deletion_kind
        )
        self._result.messages += self._events.deleted(record_id, revision, DELETED_HASH, document)
        row = Row(self._origin, record_id, source_id, raw, "", document, DELETED_HASH, revision, self._now)
        self._keep(row, before)

    def _mapped_anew(self, source_id: str, raw: bytes, known: bytes) -> bytes:
        """A record that no re-map has reached yet ends as the mapping in force shows it."""
        try:
            mapped = self._apply(self._connection_id, source_id, exact_json.decode(raw), self._observed_at)
            return fitting(mapped.encode(0))
        except Exception:  # noqa: BLE001  it is deleted all the same
            return known

    def _keep(self, row: Row, before: Stored | None) -> None:
        result, origin = self._result, self._origin
        if row.id not in result.based_on:
            result.based_on[row.id] = 0 if before is None else before.revision
        result.rows[row.id] = row
        self._stored[row.id] = Stored(
            row.revision,
            row.raw_hash,
            origin.mapping_digest,
            row.content_hash,
            origin.lease_epoch,
            origin.read_sequence,
            row.changed_at,
        )

    def _count_errors(self, source_id: str, mapped: Mapped) -> None:
        origin = self._origin
        self._result.errors.add(
            connection_id=origin.connection_id,
            entity=origin.entity,
            mapping_version=origin.mapping_version,
            source_id=source_id,
            at=self._now,
            errors=mapped.errors,
        )


def late_pages(
    pages: Sequence[KeyedPage], last: Mapping[tuple[str, str], Position]
) -> list[tuple[int, KeyedPage]]:
    """Pages that a later one of their stream came before, with their place in `pages`."""
    return [
        (index, keyed)
        for index, keyed in enumerate(pages)
        if (seen := last.get(keyed.page.stream)) is not None and keyed.page.data.position < seen
    ]


def split_into_batches(pages: Sequence[Page], max_records: int) -> list[list[Page]]:
    """Batches of about `max_records`; a page whose stream goes backwards begins a new one."""
    batches: list[list[Page]] = []
    size = max_records
    highest: dict[tuple[str, str], Position] = {}
    for page in pages:
        seen = highest.get(page.stream)
        backwards = seen is not None and page.data.position < seen
        if size >= max_records or backwards:
            batches.append([])
            size = 0
            highest.clear()
        batches[-1].append(page)
        size += len(page.data.records)
        highest[page.stream] = page.data.position
    return batches
