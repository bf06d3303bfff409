"""Errors, grouped by what the caller does next.

LineshaftError
├── ConfigurationError     refuse to start; an operator changes a setting
├── RetryableError         try the same thing again later
│   └── StoppedError       the process is shutting down; another one takes over
├── ActionRequiredError    stop asking; somebody outside has to act
└── DeadLetterError        set this one record aside and go on with its neighbours
    └── UndecodableError   the bytes themselves cannot be read
"""


class LineshaftError(Exception):
    """Something in Lineshaft went wrong."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").split("\n", 1)[0])


class ConfigurationError(LineshaftError):
    """A setting is missing or wrong."""


class RetryableError(LineshaftError):
    """This did not work now and may work later."""


class StoppedError(RetryableError):
    """The process is stopping."""


class ActionRequiredError(LineshaftError):
    """Somebody has to act before this can work again."""


class DeadLetterError(LineshaftError):
    """This record can never be processed as it is."""


class UndecodableError(DeadLetterError):
    """The record's bytes cannot be read."""
