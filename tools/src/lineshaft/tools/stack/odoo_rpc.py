from typing import Any

import httpx

OPERATOR_MARK = "?operator"
_TIMEOUT_SECONDS = 60.0


class OdooError(RuntimeError):
    """Odoo refused what the operator asked for."""


class OdooSession:
    """Odoo's JSON-RPC as one user. Its requests carry a mark, so that they can be told apart in the log."""

    def __init__(self, base_url: str, database: str, username: str, password: str) -> None:
        self._url = f"{base_url}/jsonrpc{OPERATOR_MARK}"
        self._database = database
        self._username = username
        self._password = password
        self._user_id = 0

    def login(self) -> int:
        parameters = [self._database, self._username, self._password, {}]
        user_id = self._post("common", "authenticate", parameters)
        if not user_id:
            raise OdooError(f"{self._username} cannot log in")
        self._user_id = int(user_id)
        return self._user_id

    def call(self, model: str, method: str, *arguments: Any, **options: Any) -> Any:
        """For example `call("res.partner", "search_count", [])`.

        Raises:
            OdooError: an error inside of a 200.
        """
        if not self._user_id:
            self.login()
        identity = [self._database, self._user_id, self._password]
        return self._post("object", "execute_kw", [*identity, model, method, list(arguments), options])

    def _post(self, service: str, method: str, parameters: list[Any]) -> Any:
        call = {"service": service, "method": method, "args": parameters}
        answer = httpx.post(
            self._url,
            json={"jsonrpc": "2.0", "id": 1, "method": "call", "params": call},
            timeout=_TIMEOUT_SECONDS,
            trust_env=False,
        )
        body = answer.raise_for_status().json()
        if "error" in body:
            raise OdooError(str(body["error"].get("data", body["error"]).get("message")))
        return body["result"]
