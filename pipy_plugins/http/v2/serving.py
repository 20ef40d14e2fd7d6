"""A request over HTTP/2 that is answered when it is complete, by a function instead of a sub-pipeline."""

from collections.abc import Callable
from typing import Final

from pipy_core.api import EOS, Data, Event, Message, MessageEnd, MessageStart
from pipy_plugins.http.framing import read_fields
from pipy_plugins.http.heads import RequestHead, ResponseHead
from pipy_plugins.http.status import error_head
from pipy_plugins.http.v2.answer import Answer

_CONTINUE: Final = ResponseHead(100, b"100 Continue", 1, read_fields(b"\r\n\r\n"))


class Serving:
    """What stands for the sub-pipeline; a ``Branch``.

    :param respond: gives the answer to a head and a body.
    :param max_body: bytes that are collected; a request with more is refused. None: nothing is collected, nor refused.
    """

    __slots__ = ("_answer", "_head", "_max_body", "_pieces", "_respond", "_size")

    def __init__(self, answer: Answer, respond: Callable[[RequestHead, bytes], Message], max_body: int | None) -> None:
        self._answer: Answer | None = answer
        self._respond = respond
        self._max_body = max_body
        self._head: RequestHead | None = None
        self._pieces: list[bytes] = []
        self._size = 0

    def feed(self, event: Event) -> None:
        """See ``Branch``."""
        answer = self._answer
        if answer is None:
            return
        if isinstance(event, MessageStart):
            assert isinstance(event.head, RequestHead)
            self._head = event.head
            if self._head.expects:
                answer.interim(_CONTINUE)
        elif type(event) is Data:
            if self._max_body is not None:
                self._collect(answer, event.payload, self._max_body)
        elif isinstance(event, MessageEnd) and self._head is not None:
            head, self._head = self._head, None
            self._reply(answer, self._respond(head, b"".join(self._pieces)))

    def _collect(self, answer: Answer, payload: bytes, most: int) -> None:
        self._size += len(payload)
        if self._size <= most:
            self._pieces.append(payload)
        else:
            self._reply(answer, Message(error_head(413)))

    def _reply(self, answer: Answer, message: Message) -> None:
        for event in message.events():
            answer.reply(event)
        answer.reply(EOS)  # nothing goes on behind the answer to CONNECT

    def drain(self) -> None:
        """See ``Branch``."""

    def busy(self) -> bool:
        """See ``Branch``."""
        return False

    def close(self) -> None:
        """See ``Branch``."""
        self._answer = self._head = None
        self._pieces = []
