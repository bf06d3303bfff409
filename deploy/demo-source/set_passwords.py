"""Gives the demo's two users the passwords from the environment."""  # noqa: INP001  a script of Tryton's environment

import os
import sys

from trytond.pool import Pool
from trytond.transaction import Transaction


def main() -> None:
    database = sys.argv[1]
    passwords = {
        "admin": os.environ["DEMO_ADMIN_PASSWORD"],
        os.environ["DEMO_USERNAME"]: os.environ["DEMO_PASSWORD"],
    }
    Pool.start()
    pool = Pool(database)
    with Transaction().start(database, 0):
        pool.init()
    for login, password in passwords.items():
        with Transaction().start(database, 0):
            users = pool.get("res.user")
            [user] = users.search([("login", "=", login)])
            users.write([user], {"password": password})


if __name__ == "__main__":
    main()
