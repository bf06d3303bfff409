"""A vendor's back end, as small as it can be: calls the API and walks a customer through the hosted page."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

SECONDS = 35.0
REDIRECT_URL = "https://product.example.com/connected"


NOTHING_KEPT = httpx.Limits(max_keepalive_connections=0)


def _client() -> httpx.Client:
    return httpx.Client(timeout=SECONDS, limits=NOTHING_KEPT)


@dataclass(slots=True)
class Vendor:
    """Holds the admin key."""

    api_url: str
    admin_key: str
    _client: httpx.Client = field(default_factory=_client, repr=False, compare=False)
    """Making one costs more than a call; a connection is not kept, for the API may restart."""

    def call(self, method: str, path: str, body: Any = None, *, token: str | None = None) -> httpx.Response:
        return self._client.request(
            method,
            f"{self.api_url}/v1{path}",
            json=body,
            headers={"Authorization": f"Bearer {token or self.admin_key}"},
        )

    def get(self, path: str, *, token: str | None = None) -> Any:
        return self._expect(self.call("GET", path, token=token))

    def post(self, path: str, body: Any = None, *, token: str | None = None) -> Any:
        return self._expect(self.call("POST", path, body, token=token))

    def put(self, path: str, body: Any, *, token: str | None = None) -> Any:
        return self._expect(self.call("PUT", path, body, token=token))

    def connect(self, system: str, fields: Mapping[str, str], **session: Any) -> tuple[str, str]:
        """The connection id and its token, after the customer has filled in the form."""
        opened = self.post("/link-sessions", {"system": system, "redirect_url": REDIRECT_URL, **session})
        return self.exchange(self.fill_in(opened["url"], fields))

    def fill_in(self, url: str, fields: Mapping[str, str]) -> str:
        """What a customer does on the hosted page; the code that the vendor's address gets.

        Raises:
            RuntimeError: the page does not take the answers.
        """
        with httpx.Client(timeout=SECONDS) as browser:
            page = browser.get(url, follow_redirects=True)
            page.raise_for_status()
            answer = browser.post(str(page.url), data=dict(fields))
            if not answer.is_redirect:
                raise RuntimeError(f"the hosted page answered {answer.status_code}: {answer.text[:2000]}")
        return parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]

    def exchange(self, code: str) -> tuple[str, str]:
        answer = self.post("/link-sessions/exchange", {"code": code})
        return answer["connection_id"], answer["token"]

    def status(self, connection_id: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.get(f"/connections/{connection_id}/status")
        return answer

    @staticmethod
    def _expect(answer: httpx.Response) -> Any:
        if answer.is_error:
            raise RuntimeError(
                f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}"
            )
        return answer.json() if answer.content else None


def wait_until(what: str, check: Callable[[], Any], seconds: float) -> Any:
    """The first truthy answer of `check`.

    Raises:
        TimeoutError: there was none in time.
    """
    deadline = time.monotonic() + seconds
    while True:
        if answer := check():
            return answer
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.1)
