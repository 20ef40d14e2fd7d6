"""Giving up being root, for good."""

import grp
import os
import pwd
from collections.abc import Callable
from dataclasses import dataclass

from pipy_core.errors import StartError


@dataclass(frozen=True)
class Identity:
    """A user and a group to run as. :ivar name: of the user, by which its further groups are found."""

    name: str
    user: int
    group: int
    home: str


def identity(user: str, group: str) -> Identity | None:
    """Whom to run as; None where that is who we are already.

    :param user: name or number; empty: who we are. :param group: name or number; empty: that of the user.
    :raises StartError: there is no such user or group, or only root can become it.
    """
    known = _user(user) if user else _user(str(os.geteuid()))
    number = _group(group) if group else known.pw_gid
    if os.geteuid() != 0:
        if known.pw_uid == os.geteuid() and number == os.getegid():
            return None
        raise StartError(f"Cannot run as {user or known.pw_name}{':' + group if group else ''}: only root can")
    return Identity(known.pw_name, known.pw_uid, number, known.pw_dir)


def become(wanted: Identity) -> None:
    """Be *wanted* from now on, and make sure that there is no way back.

    :raises StartError: the system does not let us.
    """
    try:
        os.initgroups(wanted.name, wanted.group)
        os.setgid(wanted.group)
        os.setuid(wanted.user)  # of root it changes all that a process has, the saved one too; setresuid is not everywhere
    except OSError as error:
        raise StartError(f"Cannot run as {wanted.name}: {error.strerror}") from error
    changed = (os.getuid(), os.geteuid()) == (wanted.user,) * 2 and (os.getgid(), os.getegid()) == (wanted.group,) * 2
    if not changed or _can_return(wanted):
        raise StartError(f"Cannot run as {wanted.name}: the system did not take the rights of root away")
    os.environ.update(USER=wanted.name, LOGNAME=wanted.name, HOME=wanted.home)


def _can_return(wanted: Identity) -> bool:
    """Whether what was given up can be had again: by this process, which then has it."""
    if wanted.user == 0:
        return False
    return any(_goes(step) for step in (os.setuid, os.seteuid)) or (
        wanted.group != 0 and any(_goes(step) for step in (os.setgid, os.setegid))
    )


def _goes(step: Callable[[int], None]) -> bool:
    try:
        step(0)
    except OSError:
        return False
    return True


def _user(name: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwuid(int(name)) if name.isdigit() else pwd.getpwnam(name)
    except KeyError:
        raise StartError(f"Cannot run as {name}: there is no such user") from None


def _group(name: str) -> int:
    try:
        return (grp.getgrgid(int(name)) if name.isdigit() else grp.getgrnam(name)).gr_gid
    except KeyError:
        raise StartError(f"Cannot run in the group {name}: there is no such group") from None
