"""The `lineshaft` command."""
