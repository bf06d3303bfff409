"""Becomes the child: drops root, binds its life to the parent's, then executes the command.

Runs between fork and exec in an interpreter of its own, because code in `preexec_fn` may deadlock in a
process with threads. The death signal is set after the change of user, which would clear it (prctl(2)).

    python -I -S launcher.py <parent pid> <death signal> <uid:gid or -> <command> [argument ...]
"""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    parent, death_signal, account, *command = arguments
    system_library = ctypes.CDLL(None, use_errno=True)
    if account != "-":
        user_id, group_id = (int(part) for part in account.split(":"))
        os.setgroups([])
        os.setgid(group_id)
        os.setuid(user_id)
    if sys.platform == "linux":
        system_library.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
    if os.getppid() != int(parent):
        sys.exit("the parent is gone already")
    os.execvp(command[0], command)  # noqa: S606 - the command is our own supervisor's


if __name__ == "__main__":
    main(sys.argv[1:])
