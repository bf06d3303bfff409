"""Sends one message by apprise in a process of its own.

apprise calls with requests and smtplib, in threads, with no end in time. In a process of its own
every dialled address is checked (an audit hook sees each `connect`), no proxy variable is inherited, and
the whole is killed when its time is over.
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import orjson

from lineshaft.common.redaction import redacted
from lineshaft.notifier.domain.alert_text import Text

SHORTEST_SECRET = 6
KEPT_CHARACTERS = 500
INHERITED = ("PATH", "PYTHONPATH", "VIRTUAL_ENV", "LANG", "TZ", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")


@dataclass(frozen=True, slots=True)
class AlertClient:
    allowed_networks: Sequence[str]
    total_seconds: float

    async def send(self, address: str, text: Text) -> str | None:
        """Why it was not taken; None when it was."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "lineshaft.notifier.adapters.apprise_child",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={name: os.environ[name] for name in INHERITED if name in os.environ},
        )
        asked = {
            "address": address,
            "title": text.title,
            "body": text.body,
            "tone": text.tone,
            "allowed_networks": list(self.allowed_networks),
        }
        try:
            async with asyncio.timeout(self.total_seconds):
                said, _ = await process.communicate(orjson.dumps(asked))
        except TimeoutError:
            return f"not taken within {self.total_seconds:g} s"
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0:
            return f"the sending process ended with {process.returncode}"
        error: str | None = orjson.loads(said)["error"]
        return redacted(error, _secrets(address))[:KEPT_CHARACTERS] if error else None


def _secrets(address: str) -> list[str]:
    """All of the address but its scheme and host; of Slack and the like the host is a token too."""
    parts = urlsplit(address)
    found = [parts.username, parts.password, *parts.path.split("/"), parts.query]
    if "." not in (parts.hostname or ""):
        found.append(parts.netloc.rpartition("@")[2])
    plain = [one for one in found if one and len(one) >= SHORTEST_SECRET]
    return [address, *plain, *(unquote(one) for one in plain)]
