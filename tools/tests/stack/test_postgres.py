from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from lineshaft.tools.stack.postgres import Postgres
from lineshaft.tools.stack.process_state import alive, wait_until
from lineshaft.tools.stack.supervisor import Supervisor

from .killed_parent import child_of_killed_parent, clean_up_after_killed_parent

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def postgres(shared_supervisor: Supervisor) -> Iterator[Postgres]:
    postgres = Postgres(shared_supervisor, durable=False)
    postgres.start()
    yield postgres
    postgres.stop()


async def test_it_asks_for_the_password(postgres: Postgres) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(postgres.dsn_for("postgres", "guess"))


async def test_rows_survive_a_kill(postgres: Postgres) -> None:
    connection = await asyncpg.connect(postgres.dsn)
    await connection.execute("CREATE TABLE kept (id int); INSERT INTO kept VALUES (1)")
    await connection.close()
    before = postgres.child.pid
    postgres.kill()
    postgres.start()
    connection = await asyncpg.connect(postgres.dsn)
    assert await connection.fetchval("SELECT id FROM kept") == 1
    await connection.close()
    assert postgres.child.pid != before


async def test_a_database_of_its_own(postgres: Postgres) -> None:
    postgres.create_database("another")
    connection = await asyncpg.connect(postgres.dsn_for("postgres", postgres.password, "another"))
    assert await connection.fetchval("SELECT current_database()") == "another"
    await connection.close()
    postgres.drop_database("another")


def test_kill_9_of_the_parent_stops_the_server(tmp_path: Path) -> None:
    server = child_of_killed_parent(
        tmp_path,
        """
        from lineshaft.tools.stack.postgres import Postgres
        postgres = Postgres(supervisor, durable=False)
        postgres.start()
        print(postgres.child.pid, flush=True)
        """,
    )
    assert wait_until(lambda: not alive(server), 20)
    clean_up_after_killed_parent(tmp_path)
