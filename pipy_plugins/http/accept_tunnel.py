"""``acceptHTTPTunnel(target, handler)``: the script answers requests; an agreed ``CONNECT`` goes on through a sub-pipeline.

To be used behind ``demuxHTTP``, which keeps what a client sends too early. Holds one request, ``max_body_buffer`` bytes of
its body. Spec: filters.md, 4.12; RFC 9110, 9.3.6.
"""

from typing import Any

from pipy_core.api import (
    FLUSH,
    FUNCTION,
    PIPELINE,
    Body,
    Data,
    Event,
    Failure,
    Function,
    Head,
    Joint,
    Message,
    MessageEnd,
    MessageStart,
    Param,
    Registry,
    StreamEnd,
    Target,
    get_logger,
    hookimpl,
    too_large,
)
from pipy_plugins.http.encoder import status_of
from pipy_plugins.http.heads import RequestHead


class AcceptHTTPTunnel(Joint):
    """Answers message by message until it agrees to another protocol."""

    joins = "link"

    def __init__(self, target: Target, handler: Function) -> None:
        self._target = target
        self._handler = handler
        self._head: Head | None = None
        self._body: Body | None = None  # None: not inside a message
        self._ended = False

    def process(self, event: Event) -> None:
        """See ``Filter``. Data between messages is dropped."""
        if self._branch is not None:
            self._branch.feed(event)
        elif self._ended:
            return
        elif isinstance(event, MessageStart):
            self._head = event.head
            self._body = Body(most=self.host.limits.max_body_buffer)
        elif isinstance(event, Data):
            if self._body is not None and not self._body.add(event):
                too_large(self.host.context.group, self._head)
                self._end(StreamEnd(Failure.BUFFER_OVERFLOW))
        elif isinstance(event, MessageEnd):
            if self._body is not None:
                self._answer(self._body.data())
        else:
            self._end(event)

    def close(self) -> None:
        """See ``Filter``."""
        self._end_input()
        super().close()

    def _answer(self, body: Data) -> None:
        head, self._head, self._body = self._head, None, None
        method = _method(head)  # before the script gets it: what it does to the head changes nothing
        response = self.host.call(self._handler, Message(head, body, consumed=True))
        if not isinstance(response, Message):
            # No answer: one without a status would be an agreement.
            get_logger("acceptHTTPTunnel").error("handler did not return a valid message")
            return
        if _agrees(method, response.head):
            self._branch = self.host.join(self._target, self._pass, self.host.clone_context())
        for event in response.events():
            self.emit(event)
        if self._branch is not None:
            self._branch.feed(FLUSH)  # what the tunnel leads to may be the first to speak

    def _pass(self, event: Event) -> None:
        self.emit(event)

    def _end(self, event: StreamEnd) -> None:
        self._end_input()
        self.emit(event)

    def _end_input(self) -> None:
        self._ended = True
        self._head = self._body = None


def _method(head: Head | None) -> Any:
    if isinstance(head, RequestHead):
        return head.method
    return head.get("method") if head is not None else None


def _agrees(method: Any, head: Head | None) -> bool:
    """Whether a response with *head* is the beginning of a tunnel: any 2xx to CONNECT is, and 101 to an upgrade."""
    status = status_of(head.get("status") if head is not None else None)
    return status == 101 or (method == "CONNECT" and 200 <= status < 300)


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    registry.add_filter(
        "acceptHTTPTunnel",
        AcceptHTTPTunnel,
        [
            Param("target", PIPELINE, "what goes on behind an agreed CONNECT, in a copy of the context"),
            Param("handler", FUNCTION, "gets each request and gives a Message; a status of 2xx to CONNECT opens the tunnel"),
        ],
        help="Answers requests, to be used behind demuxHTTP. Where the script agrees to CONNECT with a status of 2xx, or to an "
        "upgrade with 101, all that follows goes through the sub-pipeline.",
        group="network",
    )
