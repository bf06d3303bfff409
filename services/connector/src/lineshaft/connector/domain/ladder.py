"""The network ladder: rungs from the bottom; what is above a failed one is not climbed."""

from collections.abc import Sequence
from dataclasses import dataclass

from lineshaft.common.events.diagnoses import Certificate, Climbing, RungResult, failed_of
from lineshaft.common.outcomes import LadderRung, Outcome, Rung, RungStatus
from lineshaft.connector.domain.evidence import Evidence

NETWORK = (LadderRung.DNS, LadderRung.TCP, LadderRung.TLS)
HTTP = (*NETWORK, LadderRung.PROXY, LadderRung.HTTP, LadderRung.AUTH, LadderRung.OBJECT)
PROXIED = (
    LadderRung.DNS,
    LadderRung.TCP,
    LadderRung.PROXY,
    LadderRung.TLS,
    LadderRung.HTTP,
    LadderRung.AUTH,
    LadderRung.OBJECT,
)
"""It is the proxy that is looked up and dialled; TLS begins behind it."""
DATABASE = (*NETWORK, LadderRung.AUTH, LadderRung.OBJECT)
"""No HTTP, and no HTTP proxy, on the way to a database."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What stopped the ladder, and what to ask whom for."""

    code: str
    seen: str
    ask: str


class Ladder:
    """One climb; each rung has one result, the last that was given."""

    def __init__(self, rungs: Sequence[LadderRung]) -> None:
        self._rungs = rungs
        self._results: dict[LadderRung, RungResult] = {}

    def __contains__(self, rung: LadderRung) -> bool:
        return rung in self._rungs

    def ok(
        self,
        rung: LadderRung,
        seen: str,
        *,
        duration_ms: float = 0.0,
        address: str | None = None,
        certificates: Sequence[Certificate] = (),
    ) -> None:
        self._results[rung] = RungResult(
            rung=rung,
            status=RungStatus.OK,
            duration_ms=round(duration_ms, 1),
            address=address,
            seen=seen,
            certificates=list(certificates),
        )

    def failed(
        self,
        rung: LadderRung,
        failure: Failure,
        *,
        duration_ms: float = 0.0,
        address: str | None = None,
        certificates: Sequence[Certificate] = (),
    ) -> None:
        self._results[rung] = RungResult(
            rung=rung,
            status=RungStatus.FAILED,
            duration_ms=round(duration_ms, 1),
            address=address,
            code=failure.code,
            seen=failure.seen,
            ask=failure.ask,
            certificates=list(certificates),
        )

    def skip(self, rung: LadderRung, why: str) -> None:
        self._results[rung] = RungResult(rung=rung, status=RungStatus.SKIPPED, seen=f"skipped: {why}")

    @property
    def stopped(self) -> RungResult | None:
        return failed_of(self._in_order())

    @property
    def results(self) -> list[RungResult]:
        """Every rung; those above the first failed one say why they were left out."""
        stopped = self.stopped
        if stopped is None:
            return self._in_order()
        for rung in self._rungs[self._rungs.index(stopped.rung) + 1 :]:
            self.skip(rung, f"{stopped.rung} failed")
        return self._in_order()

    @property
    def climbing(self) -> Climbing:
        """What is known so far."""
        to_come = [] if self.stopped else [rung for rung in self._rungs if rung not in self._results]
        return Climbing(rungs=self._in_order(), to_come=to_come)

    def _in_order(self) -> list[RungResult]:
        return [self._results[rung] for rung in self._rungs if rung in self._results]


_OF_THE_NETWORK = {
    Rung.DNS: LadderRung.DNS,
    Rung.TCP: LadderRung.TCP,
    Rung.TLS: LadderRung.TLS,
    Rung.PROXY: LadderRung.PROXY,
    Rung.TIMEOUT: LadderRung.HTTP,
    Rung.HTTP: LadderRung.HTTP,
}
_NOT_AS_EXPECTED = {
    (Outcome.SOURCE_ERROR, LadderRung.AUTH),
    (Outcome.SOURCE_ERROR, LadderRung.OBJECT),
    (Outcome.CONFIGURATION_ERROR, LadderRung.AUTH),
}
"""What answers is not the system, or not in order."""


def rung_of(evidence: Evidence, asked: LadderRung, ladder: Ladder) -> LadderRung:
    """Where a call failed that was made for the rung `asked`: perhaps further down."""
    rung = asked
    outcome = evidence.outcome
    if outcome is Outcome.UNREACHABLE and evidence.rung is not None:
        rung = _OF_THE_NETWORK[evidence.rung]
    elif (outcome, asked) in _NOT_AS_EXPECTED:
        rung = LadderRung.HTTP
    return rung if rung in ladder else asked
