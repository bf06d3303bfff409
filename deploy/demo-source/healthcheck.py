"""Exit code 0 if Tryton in this container answers."""  # noqa: INP001  a script of Tryton's environment

import http.client
import json
import os
import sys

_TIMEOUT_SECONDS = 4


def main() -> None:
    port = int(os.environ["TRYTOND_WEB__LISTEN"].rpartition(":")[2])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_SECONDS)
    question = json.dumps({"id": 1, "method": "common.server.version", "params": []})
    try:
        connection.request("POST", "/rpc/", question, {"Content-Type": "application/json"})
        status = connection.getresponse().status
    except OSError as error:
        sys.exit(f"no answer on port {port}: {error}")
    if status != http.client.OK:
        sys.exit(f"Tryton answered {status}")


if __name__ == "__main__":
    main()
