import secrets
import socket
import threading

LOOPBACK = "127.0.0.1"

# Below the ephemeral ports: there, a client that keeps trying a stopped server's port may connect to itself,
# and an outgoing connection may take the port while the server is down.
_RANGE = range(20_000, 32_000)

_handed_out: set[int] = set()
_lock = threading.Lock()


def free_port() -> int:
    """A loopback port nobody listens on, never the same one twice in a process."""
    with _lock:
        while True:
            port = secrets.choice(_RANGE)
            if port not in _handed_out and _is_free(port):
                _handed_out.add(port)
                return port


def preferred_port(port: int) -> int:
    """`port` if it is free, else any free port."""
    return port if _is_free(port) else free_port()


def accepts_connections(port: int) -> bool:
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1):
            return True
    except OSError:
        return False


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
