"""Exit code 0 if the service in this container answers /healthz."""  # noqa: INP001  a script, not a package

import http.client
import os
import sys

_TIMEOUT_SECONDS = 4


def main() -> None:
    port = int(os.environ.get("LINESHAFT_HTTP_PORT", "8080"))
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/healthz")
        status = connection.getresponse().status
    except OSError as error:
        sys.exit(f"no answer on port {port}: {error}")
    if status != http.client.OK:
        sys.exit(f"/healthz answered {status}")


if __name__ == "__main__":
    main()
