"""FastStream as its first pages show it: one record at a time, pydantic in and out."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from harness.meter import Meter, spec
from pydantic import AfterValidator, AwareDatetime, BaseModel

Moment = Annotated[AwareDatetime, AfterValidator(lambda moment: moment.astimezone(UTC))]
TYPES = {"fault": "corrective", "service": "preventive", "check": "inspection"}
STATUSES = {"new": "draft", "planned": "scheduled", "running": "in_progress", "done": "completed"}
PRIORITIES = {"1": "low", "2": "medium", "3": "high"}


class SourceRecord(BaseModel):
    id: int
    code: str
    name: str
    description: str
    kind: str
    state: str
    priority: str
    asset: int
    asset_name: str
    location: int
    location_name: str
    planner: int
    planner_name: str
    due: Moment
    planned_start: Moment
    planned_end: Moment
    started: Moment
    hours_estimated: Decimal
    downtime: int
    cost: Decimal
    currency: str
    cost_center: str
    note: str
    created: Moment
    updated: Moment


class Reference(BaseModel):
    source_id: str
    display: str


class Money(BaseModel):
    amount: Decimal
    currency: str


class WorkOrder(BaseModel):
    number: str
    title: str
    description: str
    type: str
    status: str
    priority: str
    asset: Reference
    location: Reference
    planner: Reference
    due_at: datetime
    planned_start: datetime
    planned_end: datetime
    actual_start: datetime
    estimated_hours: Decimal
    downtime_minutes: int
    planned_cost: Money
    cost_center: str
    completion_note: str
    created_at: datetime
    updated_at: datetime


def work_order(record: SourceRecord) -> WorkOrder:
    return WorkOrder(
        number=record.code,
        title=record.name,
        description=record.description,
        type=TYPES[record.kind],
        status=STATUSES[record.state],
        priority=PRIORITIES[record.priority],
        asset=Reference(source_id=str(record.asset), display=record.asset_name),
        location=Reference(source_id=str(record.location), display=record.location_name),
        planner=Reference(source_id=str(record.planner), display=record.planner_name),
        due_at=record.due,
        planned_start=record.planned_start,
        planned_end=record.planned_end,
        actual_start=record.started,
        estimated_hours=record.hours_estimated,
        downtime_minutes=record.downtime,
        planned_cost=Money(amount=record.cost, currency=record.currency),
        cost_center=record.cost_center,
        completion_note=record.note,
        created_at=record.created,
        updated_at=record.updated,
    )


async def main() -> None:
    asked = spec()
    broker = KafkaBroker(asked["bootstrap_servers"], acks="all", logger=None)
    done, finished = 0, asyncio.Event()

    @broker.publisher(asked["prefix"] + "mapped")
    @broker.subscriber(  # type: ignore[untyped-decorator]  # it is FastStream's
        asked["prefix"] + "records",
        group_id=asked["run"],
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.ACK,
        fetch_max_wait_ms=5,
    )
    async def on_record(record: SourceRecord) -> WorkOrder:
        nonlocal done
        done += 1
        if done >= asked["records"]:
            finished.set()
        return work_order(record)

    meter = Meter()
    await broker.connect()
    meter.start()
    await broker.start()
    await finished.wait()
    meter.stop(done)
    await broker.stop()


if __name__ == "__main__":
    asyncio.run(main())
