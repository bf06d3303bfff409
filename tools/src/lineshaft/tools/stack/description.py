from collections.abc import Iterator

from lineshaft.tools.stack.stack import Stack


def describe(stack: Stack) -> str:
    """Where everything is and what opens it, for whoever sits in front of a stack that stays up."""
    return "\n".join(["", *_lines(stack), ""])


def _lines(stack: Stack) -> Iterator[str]:
    yield from _block(
        "Lineshaft",
        {
            "console": f"{stack.api_url}/console",
            "API": f"{stack.api_url}/docs",
            "admin key": stack.admin_key,
            "Kafka": stack.kafka.bootstrap_servers,
            "Postgres": stack.postgres.dsn,
        },
    )
    yield from _block("Metrics", {name: f"{url}/metrics" for name, url in stack.services.urls.items()})
    if stack.has_source:
        plant = stack.source
        yield from _block(
            f"A customer's {plant.system}: what the connect page asks for", plant.connection_fields
        )
        yield from _block("Its own administrator", plant.administrator)
    yield 'In another terminal, the same for commands: eval "$(.venv/bin/lineshaft env)"'
    yield "Ctrl-C stops everything."


def _block(title: str, values: dict[str, str]) -> Iterator[str]:
    yield title
    width = max(map(len, values))
    yield from (f"  {name:<{width}}  {value}" for name, value in values.items())
    yield ""
