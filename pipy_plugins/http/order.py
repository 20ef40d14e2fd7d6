"""What an exchange with a client asks of the connection it belongs to, where answers go in the order of the requests."""

from collections.abc import Callable
from typing import Any, Protocol

from pipy_core.api import Data, Emit, Failure, Host


class Connection(Protocol):
    """What a slot needs of the connection it belongs to."""

    emit: Emit
    host: Host
    now: Callable[[], float]
    retiring: bool

    def is_last(self, slot: Any) -> bool:
        """See ``DemuxHTTP``."""

    def keep(self, size: int) -> bool:
        """See ``DemuxHTTP``."""

    def answered(self, slot: Any, final: bool) -> None:
        """See ``DemuxHTTP``."""

    def tunnelled(self, slot: Any) -> None:
        """See ``DemuxHTTP``."""

    def abort(self, failure: Failure) -> None:
        """See ``DemuxHTTP``."""


class Interim(Data):
    """An interim response that waits for its turn."""
