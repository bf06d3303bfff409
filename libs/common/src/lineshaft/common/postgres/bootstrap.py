"""`python -m lineshaft.common.postgres.bootstrap`: one schema and one role per service, in one database.

Runs with an administrator's DSN (`LINESHAFT_POSTGRES_ADMIN_DSN`); run it as often as you like. A service
may name another's schema, but it sees only the tables and views that the owner's migrations grant it.
"""

import asyncio

import asyncpg
from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

SERVICES = ("api", "connector", "mapping", "health_monitor", "notifier")
ROLE_PREFIX = "lineshaft_"


class BootstrapSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="LINESHAFT_", frozen=True)

    postgres_admin_dsn: SecretStr
    role_password: SecretStr


async def bootstrap(admin_dsn: str, role_password: str) -> None:
    """Create what is missing and set the roles' password."""
    connection = await asyncpg.connect(admin_dsn)
    try:
        async with connection.transaction():
            await connection.execute("select pg_advisory_xact_lock(hashtext('lineshaft.bootstrap'))")
            for service in SERVICES:
                await _role(connection, service, role_password)
            for service in SERVICES:
                await _schema(connection, service)
    finally:
        await connection.close()


async def _role(connection: "asyncpg.Connection[asyncpg.Record]", service: str, password: str) -> None:
    role = ROLE_PREFIX + service
    if not await connection.fetchval("select true from pg_roles where rolname = $1", role):
        await connection.execute(f"create role {role} login")
    literal = await connection.fetchval("select quote_literal($1::text)", password)
    await connection.execute(f"alter role {role} with login password {literal}")
    await connection.execute(f"alter role {role} set search_path = {service}")


async def _schema(connection: "asyncpg.Connection[asyncpg.Record]", service: str) -> None:
    await connection.execute(f"create schema if not exists {service} authorization {ROLE_PREFIX}{service}")
    others = ", ".join(ROLE_PREFIX + other for other in SERVICES if other != service)
    await connection.execute(f"grant usage on schema {service} to {others}")


def main() -> None:
    settings = BootstrapSettings()
    asyncio.run(
        bootstrap(settings.postgres_admin_dsn.get_secret_value(), settings.role_password.get_secret_value())
    )
    print(f"schemas and roles: {', '.join(SERVICES)}")  # noqa: T201


if __name__ == "__main__":
    main()
