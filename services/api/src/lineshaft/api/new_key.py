"""`python -m lineshaft.api.new_key`: an admin key to start with, for LINESHAFT_ADMIN_KEY."""

from lineshaft.api.domain.keys import KeyKind, new_key

if __name__ == "__main__":
    print(new_key(KeyKind.ADMIN))  # noqa: T201  its one purpose
