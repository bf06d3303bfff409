"""The figures that the rules go by."""

from dataclasses import dataclass, field
from datetime import timedelta

from lineshaft.health_monitor.domain.breaker import BreakerRules


@dataclass(frozen=True, slots=True)
class Thresholds:
    hold: timedelta = timedelta(seconds=45)
    """An outage that ends sooner is not announced."""
    quiet: timedelta = timedelta(minutes=2)
    """A fault must stay away for this long before its recovery is announced."""
    default_limit: timedelta = timedelta(seconds=60)
    """The pause after a 429 that names none."""
    quiet_probe: timedelta | None = None
    """A healthy connection is probed when nothing was heard of it for this long."""
    confirm_after: timedelta | None = None
    """Refused credentials are tried once more after this, if those of others were refused at once."""
    trial_pause: timedelta = timedelta(seconds=5)
    """Whoever waits for a call gets one try of what is left alone, this long after the last one."""
    ladder_after: timedelta = timedelta(seconds=5)
    """The network is looked at so long after a source went out of reach: time to see a common outage."""
    ladder_pause: timedelta | None = None
    """It is looked at no more often than this."""
    access_check: timedelta | None = None
    """What the source grants is compared with what is needed this often."""
    access_pause: timedelta = timedelta(minutes=10)
    """It is not asked for more often than this, whatever happens."""
    expiry_warnings: tuple[float, ...] = (14, 7, 1)
    """Days before the credentials end."""
    whole: BreakerRules = field(default_factory=BreakerRules)
    """Calls that fail for a while, for the connection."""
    passing: BreakerRules = field(default_factory=lambda: BreakerRules(successes=1))
    """The same for one object."""
    lasting: BreakerRules = field(
        default_factory=lambda: BreakerRules(
            consecutive=1,
            open_time=timedelta(seconds=60),
            longest_open_time=timedelta(hours=1),
            successes=1,
        )
    )
    """An object that is forbidden or unknown: asking again at once is of no use."""
    writes: BreakerRules = field(
        default_factory=lambda: BreakerRules(
            open_time=timedelta(seconds=60), longest_open_time=timedelta(minutes=5), successes=1
        )
    )
    """Writes that are forbidden or unknown, of several records: one refusal may be about its record."""
