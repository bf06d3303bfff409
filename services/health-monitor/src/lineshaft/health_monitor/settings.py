"""Settings of health-monitor."""

from datetime import timedelta

from pydantic import Field

from lineshaft.common.settings import Settings
from lineshaft.health_monitor.domain.breaker import BreakerRules
from lineshaft.health_monitor.domain.outage import OutageRules
from lineshaft.health_monitor.domain.thresholds import Thresholds


class HealthMonitorSettings(Settings):
    hold_seconds: float = Field(
        default=45.0, ge=0, description="An outage or rate limit that ends sooner is not announced."
    )
    quiet_seconds: float = Field(
        default=120.0,
        ge=0,
        description="A fault must stay away for this long before its recovery is announced.",
    )
    breaker_failures: int = Field(
        default=3, ge=1, description="Failures in a row that stop the calls to a source or an object."
    )
    breaker_open_seconds: float = Field(
        default=30.0, gt=0, description="First pause after that; it doubles each time."
    )
    breaker_longest_seconds: float = Field(default=900.0, gt=0, description="Longest pause.")
    denied_retry_seconds: float = Field(
        default=60.0, gt=0, description="First pause of an object that is forbidden or unknown; it doubles."
    )
    denied_longest_seconds: float = Field(
        default=3600.0, gt=0, description="Longest pause of such an object."
    )
    trial_pause_seconds: float = Field(
        default=5.0,
        gt=0,
        description="A sync on demand tries what is left alone at once, but no sooner than this after the"
        " last try.",
    )
    outage_connections: int = Field(
        default=3, ge=2, description="So many connections of one source must fail at once to be one outage."
    )
    outage_poll_seconds: float = Field(default=1.0, gt=0, description="How often to look for outages.")
    quiet_probe_hours: float = Field(
        default=24.0,
        ge=0,
        description="A healthy connection that nothing was heard of for this long is probed; 0 means never.",
    )
    access_check_hours: float = Field(
        default=24.0,
        ge=0,
        description="What a source grants is compared with what is needed this often, beside each connecting,"
        " each change of a mapping and each refusal; 0 means never.",
    )
    expiry_warning_days: list[float] = Field(
        default=[14.0, 7.0, 1.0], description="Days before credentials end on which it is said."
    )
    diagnose_minutes: float = Field(
        default=15.0,
        ge=0,
        description="The network of a connection that goes out of reach is looked at by itself, no more often"
        " than this; 0 means never.",
    )
    confirm_minutes: float = Field(
        default=15.0,
        gt=0,
        description="When refused credentials are tried once more, where several were refused at once.",
    )
    confirm_connections: int = Field(
        default=3,
        ge=0,
        description="So many refusals of a system within ten minutes may be its directory's; 0 means never.",
    )
    due_poll_seconds: float = Field(
        default=0.5, gt=0, description="How often to look for what time alone changes."
    )
    history_days: float = Field(
        default=30.0, gt=0, description="Timeline, errors and resolved issues are kept for this long."
    )

    def outage_rules(self) -> OutageRules:
        return OutageRules(
            connections=self.outage_connections,
            hold=timedelta(seconds=self.hold_seconds),
            quiet=timedelta(seconds=self.quiet_seconds),
            breaker=BreakerRules(
                open_time=timedelta(seconds=self.breaker_open_seconds),
                longest_open_time=timedelta(seconds=self.breaker_longest_seconds),
            ),
        )

    def thresholds(self) -> Thresholds:
        passing = BreakerRules(
            consecutive=self.breaker_failures,
            open_time=timedelta(seconds=self.breaker_open_seconds),
            longest_open_time=timedelta(seconds=self.breaker_longest_seconds),
            successes=1,
        )
        return Thresholds(
            hold=timedelta(seconds=self.hold_seconds),
            quiet=timedelta(seconds=self.quiet_seconds),
            trial_pause=timedelta(seconds=self.trial_pause_seconds),
            quiet_probe=timedelta(hours=self.quiet_probe_hours) or None,
            access_check=timedelta(hours=self.access_check_hours) or None,
            expiry_warnings=tuple(sorted(self.expiry_warning_days, reverse=True)),
            ladder_pause=timedelta(minutes=self.diagnose_minutes) or None,
            confirm_after=timedelta(minutes=self.confirm_minutes) if self.confirm_connections else None,
            whole=BreakerRules(
                consecutive=passing.consecutive,
                open_time=passing.open_time,
                longest_open_time=passing.longest_open_time,
            ),
            passing=passing,
            lasting=BreakerRules(
                consecutive=1,
                open_time=timedelta(seconds=self.denied_retry_seconds),
                longest_open_time=timedelta(seconds=self.denied_longest_seconds),
                successes=1,
            ),
            writes=BreakerRules(
                consecutive=passing.consecutive,
                open_time=timedelta(seconds=self.denied_retry_seconds),
                longest_open_time=timedelta(seconds=max(self.denied_retry_seconds, 300.0)),
                successes=1,
            ),
        )
