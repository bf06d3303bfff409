import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Account:
    name: str
    user_id: int
    group_id: int


def unprivileged_account() -> Account | None:
    """The account that takes over from root; None where we are not root."""
    if os.getuid() != 0:
        return None
    entry = pwd.getpwnam("nobody")
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def reachable_by(account: Account, path: Path) -> bool:
    """Whether the account may enter `path` and every folder above it, by the permission bits."""
    return all(_may_enter(account, folder) for folder in (path, *path.resolve().parents))


def _may_enter(account: Account, folder: Path) -> bool:
    status = folder.stat()
    if status.st_uid == account.user_id:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == account.group_id:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)
