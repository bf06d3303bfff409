"""Why a stack did not start: what a person can mend, and is told in one line."""

from lineshaft.tools.stack.build_tool import BuildError
from lineshaft.tools.stack.child import StartError
from lineshaft.tools.stack.kafka import KafkaUnavailableError
from lineshaft.tools.stack.mariadb import MariaDbUnavailableError
from lineshaft.tools.stack.postgres_binaries import PostgresNotInstalledError
from lineshaft.tools.stack.run_record import StackRunningError
from lineshaft.tools.stack.sources import UnknownSourceError

REFUSALS = (
    BuildError,
    StartError,
    KafkaUnavailableError,
    MariaDbUnavailableError,
    PostgresNotInstalledError,
    StackRunningError,
    UnknownSourceError,
)
