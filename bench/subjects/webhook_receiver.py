"""Takes every webhook with 204."""

from harness.serving import serve


def answer(_method: str, _target: str, _body: bytes) -> None:
    return None


if __name__ == "__main__":
    serve(answer)
