"""What an upstream was asked, and its answer."""

from collections.abc import Callable
from typing import Any

from pipy_core.context import UNDEFINED
from pipy_core.events import Data, Message
from pipy_core.trial.http1 import response_bytes


class Exchange:
    """Something an upstream was asked, to be answered once.

    :param proceed: called when there is an answer.
    :ivar asked: a request, or bytes.
    :ivar content: the answer as it is sent.
    """

    def __init__(self, proceed: Callable[[], None], asked: Message | bytes, method: str = "") -> None:
        self.asked = asked
        self.method = method
        self.answered = False
        self.content = b""
        self._proceed = proceed

    def answer(self, content: Any) -> None:
        """Answer it.

        :param content: a Message, bytes, a Data, text; or nothing, and then there is no answer, ever, to a request.
        :raises TypeError: something else.
        :raises NotHTTP: the message cannot be sent.
        """
        if isinstance(content, Data):
            content = content.payload
        if isinstance(content, str):
            content = content.encode()
        if not isinstance(self.asked, bytes):
            if isinstance(content, bytes):
                content = Message(None, Data(content))
            if isinstance(content, Message):
                content = response_bytes(content, self.method)
        elif isinstance(content, Message):
            raise TypeError("a tcp upstream answers with text or Data, not with a Message")
        elif content is None or content is UNDEFINED:
            content = b""  # nothing to say to this; what comes next may be answered
        if isinstance(content, bytes):
            self.content, self.answered = content, True
            self._proceed()
        elif content is not None and content is not UNDEFINED:
            raise TypeError(f"an upstream answers with a Message, text or Data, not with {content!r}")

    @property
    def is_last(self) -> bool:
        """Whether the connection ends with this answer: its head says so, or that of the request."""
        if isinstance(self.asked, bytes):
            return False
        asked = self.asked.head.fields["headers"].get("connection", "") if self.asked.head is not None else ""
        return asked.lower() == "close" or b"\r\nconnection: close" in self.content.partition(b"\r\n\r\n")[0].lower()
