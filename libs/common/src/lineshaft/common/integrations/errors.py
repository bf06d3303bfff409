"""What can be wrong with an integration's folder."""

from lineshaft.common.errors import ConfigurationError


class IntegrationError(ConfigurationError):
    """An integration's files are not valid; the message names the file, the key and what is allowed."""
