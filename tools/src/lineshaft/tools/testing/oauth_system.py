"""The sandbox as a system that is logged in to by OAuth: a folder of its own, as anybody would write one."""

import base64
import hashlib
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import orjson

from lineshaft.common.integrations import Catalog
from lineshaft.common.integrations.oauth import CLIENT_CREDENTIALS
from lineshaft.common.integrations.yaml_files import read_yaml
from lineshaft.tools.stack.layout import find_checkout
from lineshaft.tools.stack.sandbox_source import SandboxSource

SYSTEM = "sandbox_oauth"
CLIENT_ID = "lineshaft"
CLIENT_FIELDS = [{"key": "client_id", "title": "Client"}, {"key": "client_secret", "title": "Secret"}]
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
REDIRECT_URI = "https://connect.example/connect/callback"


def write_system(folder: Path, base_url: str, strategy: str, **options: Any) -> Catalog:
    """The catalog of the folder, which holds this system besides what it held before."""
    place = folder / SYSTEM
    shutil.copytree(find_checkout() / "integrations" / "sandbox", place)
    manifest = read_yaml(place / "manifest.yaml")
    urls = {"token_url": f"{base_url}/oauth/token", "authorize_url": f"{base_url}/oauth/authorize"}
    manifest |= {
        "id": SYSTEM,
        "credentials": CLIENT_FIELDS if strategy == CLIENT_CREDENTIALS else [],
        "auth": {"strategy": strategy, "options": urls | options},
    }
    (place / "manifest.yaml").write_bytes(orjson.dumps(manifest))
    return Catalog.load(folder)


def decide(authorize_url: str, decision: str = "allow") -> str:
    """What a customer does on the provider's page; the address that they are sent back to."""
    parts = urlsplit(authorize_url)
    answer = httpx.post(
        parts._replace(query="").geturl(),
        data=dict(parse_qsl(parts.query)) | {"decision": decision},
        trust_env=False,
    )
    return str(answer.headers["location"])


def consented(sandbox: SandboxSource) -> dict[str, str]:
    """The credentials that a consent brings."""
    digest = hashlib.sha256(VERIFIER.encode()).digest()
    asked = {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": REDIRECT_URI,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    back = decide(str(httpx.URL(f"{sandbox.base_url}/oauth/authorize", params=asked)))
    code = dict(parse_qsl(urlsplit(back).query))["code"]
    return {"code": code, "code_verifier": VERIFIER, "redirect_uri": REDIRECT_URI}
