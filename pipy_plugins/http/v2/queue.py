"""What of a body waits for the peer's windows. Whoever brings it waits too, if somebody can be made to."""

from collections import deque
from typing import Protocol

from pipy_core.api import Host, Valve, press, relieve
from pipy_plugins.http.v2.limits import HIGH_WATER, LOW_WATER


class Account(Protocol):
    """Who counts what waits on all streams of a connection."""

    host: Host

    def keep(self, size: int) -> bool:
        """*size* bytes more (less, if negative) wait. Gives whether they may."""


class Queue:
    """One stream's. :ivar size: bytes in it. :ivar left: bytes that have left it."""

    __slots__ = ("_account", "_pieces", "_valve", "left", "size")

    def __init__(self, account: Account) -> None:
        self._account = account
        self._pieces: deque[bytes | memoryview] = deque()
        self._valve: Valve | None = None  # closed while there is too much
        self.size = self.left = 0

    def __bool__(self) -> bool:
        return bool(self._pieces)

    def add(self, payload: bytes) -> bool:
        """Take *payload*, which is not empty. Gives whether the connection may hold that much."""
        self._pieces.append(payload)
        self.size += len(payload)
        return self._account.keep(len(payload))

    def press(self) -> None:
        """Make the reader of this turn wait if there is too much."""
        if self.size > HIGH_WATER:
            self._valve = press(self._account.host, self._valve)

    def take(self, size: int) -> bytes | memoryview:
        """Up to *size* bytes, which are sent now."""
        piece = self._pieces[0]
        if len(piece) > size:
            view = memoryview(piece)
            self._pieces[0] = view[size:]
            piece = view[:size]
        else:
            self._pieces.popleft()
        self._leave(len(piece))
        return piece

    def clear(self) -> None:
        """Nobody wants it."""
        self._pieces.clear()
        self._leave(self.size)

    def _leave(self, size: int) -> None:
        self.size -= size
        self.left += size
        self._account.keep(-size)
        if self._valve is not None and self.size <= LOW_WATER:
            relieve(self._valve)
