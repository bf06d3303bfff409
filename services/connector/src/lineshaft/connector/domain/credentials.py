"""Whether verified credentials come into force."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from lineshaft.connector.domain.protocol import Verified


@dataclass(frozen=True, slots=True)
class InForce:
    credential_id: str
    version: int
    promoted_at: datetime


class Promotion(StrEnum):
    PROMOTE = "promote"
    MISMATCH = "account_mismatch"
    CONFLICT = "conflict"


def judge(
    verified: Verified, expected_account_id: str | None, created_at: datetime, in_force: InForce | None
) -> Promotion:
    """A candidate must open the expected account, and must be younger than what it replaces.

    Of two candidates that existed side by side, the first to be verified wins.
    """
    if expected_account_id is not None and verified.account_id != expected_account_id:
        return Promotion.MISMATCH
    if in_force is not None and created_at < in_force.promoted_at:
        return Promotion.CONFLICT
    return Promotion.PROMOTE
