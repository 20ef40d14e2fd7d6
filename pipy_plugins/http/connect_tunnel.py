"""``connectHTTPTunnel(target, address)``: send the stream to *address* through an HTTP proxy, by ``CONNECT``.

The sub-pipeline leads to the proxy and speaks HTTP, usually with ``muxHTTP``, in a copy of the context. What comes before the proxy
has agreed is kept (see ``Gate``): it would be taken for another request where the proxy does not. What the proxy says when it
refuses is for people, and never passed on as if it came from *address*. Spec: filters.md, 4.13; RFC 9110, 9.3.6.
"""

from typing import Any, Final

from pipy_core.api import (
    END,
    PIPELINE,
    STRING,
    Data,
    Emit,
    Event,
    Failure,
    Gate,
    Head,
    Joint,
    MessageStart,
    Param,
    Registry,
    StreamEnd,
    Target,
    dynamic,
    get_logger,
    hookimpl,
    ignore,
    parse_target,
)
from pipy_plugins.http.encoder import status_of
from pipy_plugins.http.heads import FailureHead

_log = get_logger("connectHTTPTunnel")

#: What the refusals of a proxy mean for the stream; all others are ``ConnectionRefused``.
_REFUSALS: Final = {
    401: Failure.UNAUTHORIZED,
    403: Failure.UNAUTHORIZED,
    407: Failure.UNAUTHORIZED,
    408: Failure.CONNECTION_TIMEOUT,
    504: Failure.CONNECTION_TIMEOUT,
}


class ConnectHTTPTunnel(Joint):
    """See the module."""

    joins = "link"

    def __init__(self, target: Target, address: Any) -> None:
        self._target = target
        self._address = address
        self._gate: Gate | None = None
        self._feed: Emit | None = None  # where events go once the proxy has agreed
        self._open = False
        self._failed = False  # a StreamEnd that says why is to come

    def process(self, event: Event) -> None:
        """See ``Filter``. Only Data and StreamEnd go through the tunnel. A StreamEnd as the first event is all there is."""
        kind = type(event)
        feed = self._feed
        if feed is None and self._branch is None:
            if kind is StreamEnd:
                self._feed = ignore
                self.emit(event)
                return
            self._start()
            feed = self._feed  # the proxy may have answered at once, or has failed
        if kind is Data or kind is StreamEnd:
            if feed is not None:
                feed(event)
            elif self._gate is not None and not self._gate.keep(event):
                self._end(Failure.BUFFER_OVERFLOW)

    def close(self) -> None:
        """See ``Filter``."""
        self._forget()

    def _start(self) -> None:
        """With the first event: ask for the tunnel."""
        address = self._address = self.host.value(self._address)
        if parse_target(address) is None:
            _log.error(f"invalid target: {address}")
            self._feed = ignore
            self.emit(StreamEnd(Failure.RUNTIME_ERROR))
            return
        self._gate = Gate(self.host, self._expired)
        self._branch = branch = self.host.join(self._target, self._reply, self.host.clone_context())
        fields = {"method": "CONNECT", "path": address, "authority": address, "headers": {"host": address}}
        branch.feed(MessageStart(Head(fields)))
        branch.feed(END)

    def _reply(self, event: Event) -> None:
        kind = type(event)
        if self._open:
            if kind is Data or kind is StreamEnd:  # an agreement has no body: the end of that message says nothing
                self.emit(event)
        elif isinstance(event, StreamEnd):
            self._end(Failure.READ_ERROR if event.error is Failure.NONE else event.error)
        elif isinstance(event, MessageStart) and not self._failed:
            self._answered(event.head)

    def _answered(self, head: Head | None) -> None:
        if isinstance(head, FailureHead):  # there was no answer
            self._failed = True
            return
        status = status_of(head.get("status") if head is not None else None)
        if not 200 <= status < 300:
            _log.warning(f"{self._address}: the proxy answered {status}")
            self._end(_REFUSALS.get(status, Failure.CONNECTION_REFUSED))
        elif self._gate is not None and self._branch is not None:
            self._open = True
            self._gate.open(self._branch.feed)
            self._feed = self._feed or self._branch.feed

    def _expired(self) -> None:
        _log.warning(f"{self._address}: no answer from the proxy")
        self._end(Failure.CONNECTION_TIMEOUT)

    def _end(self, failure: Failure) -> None:
        if self._feed is None:
            self._forget()
            self.emit(StreamEnd(failure))

    def _forget(self) -> None:
        self._feed = ignore
        if self._gate is not None:
            self._gate.forget()
        if self._branch is not None:
            self._branch.close()


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    registry.add_filter(
        "connectHTTPTunnel",
        ConnectHTTPTunnel,
        [
            Param("target", PIPELINE, "what leads to the proxy, such as muxHTTP; in a copy of the context"),
            Param("address", dynamic(STRING), "where to, as 'host:port' or '[ipv6]:port'; evaluated at the first event"),
        ],
        help="Sends the stream through an HTTP proxy, by CONNECT. If the proxy refuses, the stream ends with Unauthorized, "
        "ConnectionTimeout or ConnectionRefused; what else it says is not passed on. Headers such as proxy-authorization can be "
        "added to the request in the sub-pipeline, by handleMessageStart.",
        group="network",
    )
