"""Requests to the API: one place for the key, errors and pages."""

from collections.abc import Iterator, Mapping
from typing import Any, Self

import httpx

from lineshaft.client import exact_json
from lineshaft.client.problems import ProblemError, UnreachableError

SECONDS = 60.0
PAGE = 200
JSON = "application/json"


class Transport:
    """Thread-safe, like the `httpx.Client` that it holds."""

    def __init__(self, url: str, key: str, *, seconds: float = SECONDS) -> None:
        self.url = url.rstrip("/")
        self._client = httpx.Client(
            base_url=f"{self.url}/v1",
            headers={"Authorization": f"Bearer {key}"},
            timeout=seconds,
        )

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        parameters: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> httpx.Response:
        """One request; parameters that are None are left out.

        Raises:
            UnreachableError: there was no answer.
            ProblemError: the answer is an error.
        """
        try:
            answer = self._client.request(
                method,
                path,
                content=content if body is None else exact_json.encode(body),
                params={name: value for name, value in (parameters or {}).items() if value is not None},
                headers={**({} if body is None else {"Content-Type": JSON}), **(headers or {})},
            )
        except httpx.TransportError as error:
            raise UnreachableError(
                f"Lineshaft does not answer at {self.url} ({error or type(error).__name__}): "
                "is the address right, and does it run?"
            ) from error
        if answer.is_error:
            raise _problem(answer)
        return answer

    def get(self, path: str, **parameters: Any) -> Any:
        return self.json_of(self.request("GET", path, parameters=parameters))

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The answer's JSON, or None where it has no body. `If_Match=...` becomes a header."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.request(method, path, body, headers=sent)
        return self.json_of(answer) if answer.content else None

    def json_of(self, answer: httpx.Response) -> Any:
        """Numbers that no float holds come as `Decimal`.

        Raises:
            UnreachableError: it is none.
        """
        try:
            return exact_json.decode(answer.content)
        except ValueError as error:
            raise UnreachableError(f"what answers at {self.url} is not Lineshaft: no JSON") from error

    def pages(self, path: str, **parameters: Any) -> Iterator[Any]:
        """Every row of a list, page after page, as they are asked for."""
        parameters = {"limit": PAGE, **parameters}
        while True:
            page = self.get(path, **parameters)
            yield from page["data"]
            if page["next_cursor"] is None:
                return
            parameters["cursor"] = page["next_cursor"]

    def close(self) -> None:
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _problem(answer: httpx.Response) -> ProblemError:
    try:
        body = exact_json.decode(answer.content)
    except ValueError:
        body = None
    retry_after = answer.headers.get("retry-after", "")
    return ProblemError(
        answer.status_code,
        body if isinstance(body, dict) else {},
        float(retry_after) if retry_after.isdecimal() else None,
    )
