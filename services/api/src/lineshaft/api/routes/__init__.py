"""The HTTP API: one module per area, each small; decisions live in `domain`."""
