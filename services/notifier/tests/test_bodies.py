"""What receivers may rely on: the fields of each event's `data`. More may come; none of these can go."""

from collections.abc import Sequence
from typing import Any

import pytest

from lineshaft.common.clock import now
from lineshaft.common.events.drift import DriftPolicy, MappingDrifted
from lineshaft.common.events.health import (
    ConnectionCreated,
    ConnectionDisconnected,
    ConnectionEvent,
    ConnectionRecovered,
    Evidence,
    ReauthorizationRequired,
    StatusChanged,
    SystemEvent,
    SystemOutage,
    SystemRecovered,
    Verdict,
)
from lineshaft.common.events.syncs import ObjectResult, SyncCompleted, SyncFailed, SyncMode, SyncResult
from lineshaft.common.events.webhooks import WEBHOOK_EVENT_TYPES
from lineshaft.common.outcomes import Fault, Move, Operation, Outcome, Scope

from .stage import Stage, an_event, eventually

pytestmark = pytest.mark.integration

OF_A_CONNECTION = {"connection_id", "system", "metadata"}
OF_ITS_HEALTH = {*OF_A_CONNECTION, "status", "previous_status", "verdict", "issue_id"}
OF_A_SYNC = {*OF_A_CONNECTION, "sync_id", "result", "mode", "started_at", "at", "records", "objects"}
OF_DRIFT = {"object", "at", "policy", "held", "changes", "entities", "offered", "move", "summary", "action"}
OF_A_SYSTEM = {
    *("outage_id", "system", "host", "fault", "connections", "began_at"),
    *("move", "summary", "action"),
}
DATA: dict[str, set[str]] = {
    "connection.reauthorization_required": {*OF_ITS_HEALTH, "reauthorize_url"},
    "connection.recovered": OF_ITS_HEALTH,
    "connection.status_changed": OF_ITS_HEALTH,
    "connection.created": OF_ITS_HEALTH,
    "connection.disconnected": OF_ITS_HEALTH,
    "sync.completed": OF_A_SYNC,
    "sync.failed": OF_A_SYNC,
    "mapping.drifted": {*OF_A_CONNECTION, *OF_DRIFT},
    "system.outage": OF_A_SYSTEM,
    "system.recovered": OF_A_SYSTEM,
}
VERDICT = {
    *("scope", "fault", "objects", "operations", "fields", "confidence", "rung"),
    *("summary", "move", "action", "evidence"),
}
EVIDENCE = {"event_id", "at", "outcome", "object", "operation", "message"}
OBJECT = {"object", "result", "records", "outcome", "message"}

HEALTH: Sequence[type[ConnectionEvent]] = (
    ReauthorizationRequired,
    ConnectionRecovered,
    StatusChanged,
    ConnectionCreated,
    ConnectionDisconnected,
)
SYSTEM: Sequence[type[SystemEvent]] = (SystemOutage, SystemRecovered)
SYNCS: Sequence[type[SyncCompleted]] = (SyncCompleted, SyncFailed)


async def tell_of_all(stage: Stage) -> None:
    moment = now()
    seen = Evidence(event_id="evt_1", at=moment, outcome=Outcome.OK, operation=Operation.READ)
    verdict = Verdict(
        scope=Scope.ALL,
        fault=Fault.CREDENTIALS,
        summary="",
        move=Move.CUSTOMER,
        action="",
        evidence=[seen],
    )
    for health in HEALTH:
        await stage.tell("con_1", health, verdict=verdict)
    whole = {"outage_id": "out_1", "system": "tryton", "host": "erp:443", "connections": 3, "summary": ""}
    for system in SYSTEM:
        outage = {**whole, "fault": "network", "move": "operator", "action": "", "began_at": moment}
        event = an_event(system.model_validate({**outage, "at": moment}), "tryton/erp:443")
        await stage.handle("connection-events", event)
    read = {"connection_id": "con_1", "system": "tryton", "sync_id": "syn_1", "at": moment}
    for sync in SYNCS:
        ended = {**read, "result": SyncResult.FAILED, "mode": SyncMode.FULL, "started_at": moment}
        one = ObjectResult(object="party", result=SyncResult.FAILED)
        event = an_event(sync.model_validate({**ended, "records": 0, "objects": [one]}), "con_1")
        await stage.handle("sync-events", event)
    drifted = MappingDrifted(
        connection_id="con_1",
        system="tryton",
        object="party",
        at=moment,
        policy=DriftPolicy.OFFER,
        held=False,
        changes=[],
        entities=[],
        offered=[],
        move=Move.VENDOR,
        summary="",
        action="",
    )
    await stage.handle("mapping-events", an_event(drifted, "con_1"))


async def test_every_type_has_the_fields_that_receivers_know(stage: Stage) -> None:
    await stage.endpoint("/hooks")
    await tell_of_all(stage)
    got: dict[str, dict[str, Any]] = {}

    async def all_came() -> bool:
        got.update({body["type"]: body for _, body, _ in stage.receiver.got.get("/hooks", [])})
        return got.keys() == set(WEBHOOK_EVENT_TYPES)

    async with stage.sending():
        await eventually(all_came)
    assert all(body.keys() == {"type", "timestamp", "data"} for body in got.values())
    missing = {name: gone for name, fields in DATA.items() if (gone := fields - got[name]["data"].keys())}
    assert missing == {}
    verdict = got["connection.status_changed"]["data"]["verdict"]
    assert verdict.keys() >= VERDICT
    assert verdict["evidence"][0].keys() >= EVIDENCE
    assert got["sync.failed"]["data"]["objects"][0].keys() >= OBJECT
