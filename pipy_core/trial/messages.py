"""Messages as tests have them: whole ones out of events, and requests and responses for Python."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from pipy_core.events import Data, Event, Head, Message, MessageEnd, MessageStart


@dataclass
class Request:
    """A request, as an upstream has got it.

    :ivar path: with the query, as it was sent.
    :ivar headers: by name in lower case; one that was repeated is joined with ``, ``, but ``set-cookie`` is a list.
    """

    method: str
    path: str
    headers: dict[str, Any]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


@dataclass
class Response:
    """A response: what a client has got, or what an upstream is to answer.

    :ivar headers: as in ``Request``. The length of the body need not be given.
    """

    status: int = 200
    headers: dict[str, Any] = field(default_factory=dict)
    body: bytes | str = b""

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body if isinstance(self.body, str) else self.body.decode()

    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


#: What an upstream answers with: text and bytes are the body of a 200; None: it never answers.
Content: TypeAlias = Response | bytes | str | None
#: The same, or what gives it: it is called with the request, or with the bytes if the upstream does not speak HTTP.
Answer: TypeAlias = Content | Callable[[Any], Content]


def payload(content: bytes | str) -> bytes:
    """Text as UTF-8."""
    return content.encode() if isinstance(content, str) else content


def to_message(content: Any) -> Any:
    """What an upstream answers, as the harness wants it."""
    if not isinstance(content, Response):
        return content
    head = Head({"status": content.status, "headers": content.headers})
    return Message(head, Data(payload(content.body)))


def request_message(method: str, path: str, headers: Mapping[str, Any] | None, body: bytes | str) -> Message:
    """A request to be sent."""
    return Message(Head({"method": method, "path": path, "headers": dict(headers or {})}), Data(payload(body)))


def request_from(message: Message) -> Request:
    """A request that has come."""
    fields = message.head.fields if message.head is not None else {}
    return Request(fields["method"], fields["path"], fields["headers"], _body(message))


def response_from(message: Message) -> Response:
    """A response that has come."""
    fields = message.head.fields if message.head is not None else {}
    return Response(fields["status"], fields["headers"], _body(message))


def whole(events: Sequence[Event]) -> list[Message]:
    """The messages that are complete among *events*; a body is always there, if empty."""
    found: list[Message] = []
    head: Head | None = None
    body: list[bytes] | None = None
    for event in events:
        if isinstance(event, MessageStart):
            head, body = event.head, []
        elif isinstance(event, Data) and body is not None:
            body.append(event.payload)
        elif isinstance(event, MessageEnd) and body is not None:
            found.append(Message(head, Data(b"".join(body)), consumed=True))
            body = None
    return found


def _body(message: Message) -> bytes:
    return message.body.payload if message.body is not None else b""
