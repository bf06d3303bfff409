"""Postgres: pool, named queries, migrations, outbox and inbox."""
