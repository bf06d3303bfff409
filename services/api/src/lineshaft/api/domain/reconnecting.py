"""What a customer reads before they log in again: what broke, since when, and what happens next."""

from dataclasses import dataclass
from datetime import datetime

from lineshaft.api.domain import wording
from lineshaft.api.domain.status import Known
from lineshaft.common.outcomes import ConnectionStatus


@dataclass(frozen=True, slots=True)
class Sentence:
    """With a moment in its middle, which the page shows as one."""

    before: str
    moment: datetime | None = None
    after: str = ""

    @property
    def written(self) -> str:
        return wording.moment(self.moment) if self.moment else ""


def why(known: Known, label: str) -> list[Sentence]:
    document = known.binding or {}
    match known.status:
        case ConnectionStatus.REAUTHORIZATION_REQUIRED:
            since = _moment(document.get("since")) or known.changed_at
            told = [Sentence(f"{label} has refused the login since ", since, ".")]
            if known.data_as_of is not None:
                told.append(Sentence("The records that were read are as of ", known.data_as_of, "."))
            return told
        case ConnectionStatus.DISCONNECTED:
            return [
                Sentence("This connection was ended on ", known.changed_at, ". Logging in begins it again.")
            ]
        case _:
            ends = _moment(document.get("credentials_expire_at"))
            told = [Sentence(f"{label} accepts the login that is used now.")]
            if ends is not None:
                told = [Sentence("The login that is used now ends on ", ends, ".")]
            return [*told, Sentence("What you enter here takes its place.")]


def next_steps(label: str) -> str:
    return (
        f"The login is tried with {label} at once. If it works, reading goes on where it stopped: nothing is"
        " lost, and nothing has to be set up again."
    )


def _moment(text: str | datetime | None) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else text
