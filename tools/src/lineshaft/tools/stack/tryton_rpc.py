import base64
from typing import Any

import httpx

OPERATOR_MARK = "?operator"
_TIMEOUT_SECONDS = 30.0


class TrytonError(RuntimeError):
    """Tryton refused what the operator asked for."""


class TrytonSession:
    """Tryton's JSON-RPC as one user. Its requests carry a mark, so that they can be told apart in the log."""

    def __init__(self, base_url: str, database: str, username: str, password: str) -> None:
        self._url = f"{base_url}/{database}/rpc/{OPERATOR_MARK}"
        self._username = username
        self._password = password
        self._authorization: dict[str, str] = {}
        self._user_id = 0

    @property
    def user_id(self) -> int:
        if not self._authorization:
            self.login()
        return self._user_id

    def login(self) -> None:
        parameters = [self._username, {"password": self._password}, "en"]
        self._user_id, session, _ = self._post("common.db.login", parameters)
        token = base64.b64encode(f"{self._username}:{self._user_id}:{session}".encode()).decode()
        self._authorization = {"Authorization": f"Session {token}"}

    def call(self, method: str, *parameters: Any) -> Any:
        """For example `call("model.party.party.search_count", [])`; the context goes last by itself.

        Raises:
            TrytonError: an HTTP status, or an error inside of a 200.
        """
        if not self._authorization:
            self.login()
        return self._post(method, [*parameters, {"company": 1}])

    def _post(self, method: str, parameters: list[Any]) -> Any:
        answer = httpx.post(
            self._url,
            json={"id": 1, "method": method, "params": parameters},
            headers=self._authorization,
            timeout=_TIMEOUT_SECONDS,
            trust_env=False,
        )
        if answer.status_code != httpx.codes.OK:
            raise TrytonError(f"{method}: HTTP {answer.status_code}")
        body = answer.json()
        if "error" in body:
            raise TrytonError(f"{method}: {body['error']}")
        return body["result"]
