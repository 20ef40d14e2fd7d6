"""One copy of a remote codebase on the disk: what it is, whether it is as it was written, who uses it."""

import fcntl
import os
from pathlib import Path

import msgspec
import msgspec.json

from pipy_core.codebase.download import About, digest_of
from pipy_core.codebase.manifest import fault_of
from pipy_core.codebase.snapshot import Snapshot


class Copy:
    """A copy that this process uses; no other removes it.

    :ivar about: what it is.
    """

    def __init__(self, directory: Path, about: About, lock: int) -> None:
        self.about = about
        self.name = directory.name
        self.snapshot = Snapshot(directory / "files", about.main, about.version)
        self._lock = lock

    def release(self) -> None:
        """It is not needed any more."""
        os.close(self._lock)


def use(directory: Path) -> Copy:
    """Use the copy in *directory*.

    :raises OSError, msgspec.DecodeError: it is not there, or damaged.
    """
    lock = os.open(directory / "about.json", os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return Copy(directory, _about(directory), lock)
    except BaseException:
        os.close(lock)
        raise


def is_same(directory: Path, copy: Copy) -> bool:
    """Whether the copy in *directory* has the same files; also if it cannot be read: it is of no use then."""
    try:
        about = _about(directory)
    except (OSError, msgspec.DecodeError):
        return True
    return about.is_same(copy.about)


def _about(directory: Path) -> About:
    return msgspec.json.decode((directory / "about.json").read_bytes(), type=About)


def is_used(directory: Path) -> bool:
    """Whether any process uses the copy in *directory*."""
    try:
        lock = os.open(directory / "about.json", os.O_RDONLY)
    except OSError:
        return False  # it is not complete, and whoever adds one holds the lock
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(lock)
    return False


def damage_of(copy: Copy) -> str:
    """What is wrong with the files of *copy*; empty if they are as they were written."""
    if copy.about.main not in copy.about.digests:
        return "it has no main script"
    for path, digest in copy.about.digests.items():
        if fault_of(path):
            return f"it lists {path!r}, {fault_of(path)}"
        try:
            if digest_of((copy.snapshot.root / path[1:]).read_bytes()) != digest:
                return f"{path} has been changed"
        except OSError as error:
            return f"{path}: {error.strerror}"
    return ""
