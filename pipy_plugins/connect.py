"""``connect(target [, options])``: send the stream to a TCP server; its answer is what comes out.

Connects with the first event; tries every address the name resolves to, in order. Holds nothing itself: the outbound connection
has the buffer, and whoever feeds it too fast has to wait. Spec: filters.md, 5.
"""

from typing import Any

from pipy_core.api import (
    DURATION,
    NUMBER,
    SIZE,
    STRING,
    Event,
    Failure,
    Joint,
    Param,
    Registry,
    StreamEnd,
    deliver,
    dynamic,
    get_logger,
    hookimpl,
    options,
    parse_target,
)

_log = get_logger("connect")


class Connect(Joint):
    """See the module."""

    def __init__(self, target: Any, settings: dict[str, Any]) -> None:
        self._target = target
        self._options = settings
        self._refused = False

    def process(self, event: Event) -> None:
        """See ``Filter``. A StreamEnd before any connection is ignored, but for a fault of the script: no answer will ever come."""
        branch = self._branch
        if branch is None:
            if self._refused:
                return
            if type(event) is StreamEnd:
                if event.error is Failure.RUNTIME_ERROR:
                    self.emit(event)
                return
            target = self.host.value(self._target)
            address = parse_target(target)
            if address is None:
                _log.error(f"invalid target: {target}")
                self._refused = True
                self.emit(StreamEnd(Failure.RUNTIME_ERROR))
                return
            self.host.context.upstream = target
            branch = self._branch = self.host.connect(address, self._options, self._reply)
        branch.feed(event)

    def _reply(self, event: Event) -> None:
        deliver(self.emit, event, self.host)
        self.host.context.group.notify()


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See ``hookspecs``."""
    registry.add_filter(
        "connect",
        Connect,
        [
            Param("target", dynamic(STRING), "where to, as 'host:port' or '[ipv6]:port'; evaluated at the first event"),
            options(
                Param("bufferLimit", SIZE, "unsent bytes at which the connection is given up; 0 is 32 MiB", 0),
                Param("retryCount", NUMBER, "how often a failed connect is tried again; negative is for ever", 0),
                Param("retryDelay", DURATION, "between two tries", 0.0),
                Param(
                    "connectTimeout",
                    DURATION,
                    "for resolving and connecting, per try; 0 is what --connect-timeout says, 60 s at first",
                    0.0,
                ),
                Param("readTimeout", DURATION, "without a byte from the server; 0 is for ever", 0.0),
                Param(
                    "writeTimeout",
                    DURATION,
                    "while the server takes nothing; 0: for ever; unless given what --upstream-write-timeout says, 5 min at first",
                    None,
                ),
            ),
        ],
        help="Sends the stream to a TCP server. What the server answers comes out; a failure comes out as the error of StreamEnd.",
        group="network",
    )
