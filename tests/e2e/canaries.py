"""Looks for secrets in everything that Lineshaft writes, in each form that they could have taken."""

import asyncio
import base64
import json
import os
import subprocess
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from lineshaft.tools.stack.service_settings import SERVICES

Found = tuple[str, str]


class Canaries:
    """Secrets by name; `seen_in` tells which of them stand somewhere."""

    def __init__(self) -> None:
        self._forms: dict[str, set[bytes]] = {}

    def add(self, name: str, secret: str) -> str:
        assert len(secret) >= 12, f"{name} is too short to be recognized"
        self._forms[name] = set(forms(secret))
        return secret

    def patterns(self) -> set[bytes]:
        return set().union(*self._forms.values())

    def seen_in(self, places: Iterable[tuple[str, bytes]]) -> list[Found]:
        return [
            (name, place)
            for place, content in places
            for name, written in self._forms.items()
            if any(form in content for form in written)
        ]


def forms(secret: str) -> Iterator[bytes]:
    """Plain, as JSON and as JSON within JSON, in a URL, as hex, and as base64 at any position in a text."""
    plain = secret.encode()
    yield plain
    for ascii_only in (True, False):
        once = json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
        yield once.encode()
        yield json.dumps(once, ensure_ascii=ascii_only)[1:-1].encode()
    yield quote(secret, safe="").encode()
    yield quote(secret).encode()
    yield quote_plus(secret).encode()
    yield plain.hex().encode()
    for offset in range(3):
        encoded = base64.b64encode(bytes(offset) + plain)
        # the characters at both ends also hold bits of the neighbours
        whole = encoded[-(-offset * 8 // 6) : (offset + len(plain)) * 8 // 6]
        yield whole
        yield whole.translate(bytes.maketrans(b"+/", b"-_"))


def files_with(patterns: Iterable[bytes], folders: Iterable[Path], *, apart_from: Iterable[str]) -> list[str]:
    """Files below the folders that hold one of the patterns; folders and files of some names are left out."""
    left_out = [option for name in apart_from for option in (f"--exclude={name}", f"--exclude-dir={name}")]
    found = subprocess.run(  # noqa: S603  a fixed command
        [
            "/usr/bin/env",
            "grep",
            "-rlaF",
            *left_out,
            "-f",
            "-",
            *(str(folder) for folder in folders if folder.is_dir()),
        ],
        input=b"\n".join(patterns),
        env={"LC_ALL": "C", "PATH": os.defpath},
        capture_output=True,
        check=False,
    )
    # grep's 2 also says that a file went away meanwhile
    assert found.returncode != 2 or b"No such file" in found.stderr, found.stderr.decode()
    return found.stdout.decode().splitlines()


async def records(bootstrap_servers: str) -> AsyncIterator[tuple[str, bytes]]:
    """Key, value and headers of every record of every topic."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap_servers, enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = await all_partitions(bootstrap_servers)
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        for partition in partitions:
            while await consumer.position(partition) < ends[partition]:
                for record in (await consumer.getmany(partition, timeout_ms=500)).get(partition, []):
                    headers = b" ".join(
                        name.encode() + b"=" + (value or b"") for name, value in record.headers
                    )
                    yield (
                        f"topic {partition.topic}",
                        b"\n".join((record.key or b"", record.value or b"", headers)),
                    )
    finally:
        await consumer.stop()


async def all_partitions(bootstrap_servers: str) -> list[TopicPartition]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    try:
        names = [name for name in await admin.list_topics() if not name.startswith("__")]
        return [
            TopicPartition(topic["topic"], partition["partition"])
            for topic in await admin.describe_topics(names)
            for partition in topic["partitions"]
        ]
    finally:
        await admin.close()


async def rows(dsn: str) -> AsyncIterator[tuple[str, bytes]]:
    """Every column of every table, binary ones as they are."""
    connection = await asyncpg.connect(dsn)
    try:
        columns = await connection.fetch(
            "select table_schema, table_name, column_name, data_type from information_schema.columns"
            " join information_schema.tables using (table_schema, table_name)"
            " where table_schema = any($1) and table_type = 'BASE TABLE'",
            [*SERVICES, "public"],
        )
        for schema, table, column, kind in columns:
            value = f'"{column}"' if kind == "bytea" else f"convert_to(\"{column}\"::text, 'UTF8')"
            for row in await connection.fetch(f'select {value} from "{schema}"."{table}"'):
                yield f"column {schema}.{table}.{column}", row[0] or b""
    finally:
        await connection.close()


def all_of(source: AsyncIterator[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    async def collect() -> list[tuple[str, bytes]]:
        return [one async for one in source]

    return asyncio.run(collect())
