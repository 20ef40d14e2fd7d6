"""Copies of a remote codebase on the disk: whole ones only, the last good ones among them, shared by processes.

::

    <directory>/
        lock            held while good.json or the copies are changed
        good.json       names of the copies that were good, the newest first
        <name>/         a copy, complete from the moment it has this name
            about.json  what it is: see ``download.About``; locked by every process that uses the copy
            files/      the codebase

A copy is written under a name that begins with a dot, and renamed. Whenever one is added, those that nobody uses and that are not
among the good ones are removed.
"""

import contextlib
import errno
import fcntl
import os
import secrets
import shutil
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec
import msgspec.json

from pipy_core.codebase.copies import Copy, damage_of, is_same, is_used, use
from pipy_core.codebase.download import About
from pipy_core.codebase.snapshot import Snapshot
from pipy_core.logs import get_logger

#: Copies that were good and are kept: should the newest be damaged, the one before is taken.
GOOD_COPIES: Final = 2
#: Accepted copies that a process holds on to: its older generations may still read files of theirs.
USED_COPIES: Final = 8

_log = get_logger("codebase")


class Store:
    """The copies of one codebase, as one process sees them. Not to be used by two threads at a time.

    :param directory: where they are kept; it is made if it is not there.
    :raises OSError: it cannot be used.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._accepted: list[Copy] = []
        self._candidate: Copy | None = None
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = directory.stat()
        if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) or status.st_uid not in {0, os.geteuid()}:
            raise PermissionError(errno.EPERM, "others may write there", str(directory))
        if not os.access(directory, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, "nothing can be written there", str(directory))

    def add(self, files: Mapping[str, bytes], about: About) -> Snapshot:
        """Write a copy. One that was added before and not accepted may be removed.

        :raises OSError: it cannot be written.
        """
        name = f"{int(about.fetched)}-{secrets.token_hex(4)}"
        fresh = self._directory / f".{name}"
        with self._locked():
            self._let_go_of_candidate()
            self._clean()
            try:
                for path, content in files.items():
                    file = fresh / "files" / path[1:]
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_bytes(content)
                (fresh / "about.json").write_bytes(msgspec.json.encode(about))
                fresh.rename(self._directory / name)
            except OSError:
                shutil.rmtree(fresh, ignore_errors=True)
                raise
            self._candidate = use(self._directory / name)
        return self._candidate.snapshot

    @property
    def has_good(self) -> bool:
        """Whether there is anything to fall back to."""
        return bool(self._good())

    def last_good(self) -> Copy | None:
        """The newest copy that was good and still is as it was written; it is used from now on."""
        with self._locked():
            for name in self._good():
                try:
                    copy = use(self._directory / name)
                except (OSError, msgspec.DecodeError) as error:
                    _log.error(f"the copy {self._directory / name} cannot be used: {error}")
                    continue
                fault = damage_of(copy)
                if not fault:
                    self._let_go_of_candidate()
                    self._candidate = copy
                    return copy
                copy.release()
                _log.error(f"the copy {self._directory / name} cannot be used: {fault}")
        return None

    def accept(self, snapshot: Snapshot) -> None:
        """The copy that was added last is good.

        :raises OSError: that cannot be written down.
        """
        copy = self._candidate
        if copy is None or copy.snapshot.root != snapshot.root:
            return
        self._candidate = None
        self._accepted.append(copy)
        if len(self._accepted) > USED_COPIES:
            self._accepted.pop(0).release()
        with self._locked():
            older = [name for name in self._good() if name != copy.name and not is_same(self._directory / name, copy)]
            self._write_good([copy.name, *older][:GOOD_COPIES])
            self._clean()

    def close(self) -> None:
        """Nothing is used any more."""
        for copy in self._accepted:
            copy.release()
        self._accepted.clear()
        self._let_go_of_candidate()

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other processes out."""
        lock = os.open(self._directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _let_go_of_candidate(self) -> None:
        if self._candidate is not None:
            self._candidate.release()
            self._candidate = None

    def _good(self) -> list[str]:
        try:
            names = msgspec.json.decode((self._directory / "good.json").read_bytes(), type=list[str])
        except FileNotFoundError:
            return []
        except (OSError, msgspec.DecodeError) as error:
            _log.error(f"{self._directory / 'good.json'} cannot be read: {error}")
            return []
        return [name for name in names if "/" not in name and not name.startswith(".")]

    def _write_good(self, names: list[str]) -> None:
        fresh = self._directory / ".good.json"
        with fresh.open("wb") as file:
            file.write(msgspec.json.encode(names))
            file.flush()
            os.fsync(file.fileno())  # after a power failure there is the old list or the new one
        fresh.replace(self._directory / "good.json")

    def _clean(self) -> None:
        """Remove what nobody needs."""
        good = self._good()
        for directory in self._directory.iterdir():
            if directory.is_dir() and directory.name not in good and not is_used(directory):
                shutil.rmtree(directory, ignore_errors=True)
