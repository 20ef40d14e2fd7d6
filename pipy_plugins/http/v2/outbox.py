"""What leaves on a connection of HTTP/2: heads at once, bodies as the client's windows allow, in turn."""

from collections import deque

from h2.exceptions import ProtocolError

from pipy_plugins.http.v2.answer import Answer
from pipy_plugins.http.v2.budget import BODY_FRAME, Budget
from pipy_plugins.http.v2.heads import Block
from pipy_plugins.http.v2.limits import MAX_FRAME, MAX_UNSENT
from pipy_plugins.http.v2.protocol import ServerProtocol


class Outbox:
    """The sending half of a connection.

    h2 knows at once of all that came in one piece: a stream may be gone there whose reset has not been dealt with here. What is to
    be sent on it is dropped.
    """

    __slots__ = ("_blocked", "_budget", "_h2", "_waiting")

    def __init__(self, h2: ServerProtocol, budget: Budget) -> None:
        self._h2 = h2
        self._budget = budget
        self._blocked: deque[Answer] = deque()  # by the window of the connection
        self._waiting = 0  # bytes of all answers

    def keep(self, size: int) -> bool:
        """See ``queue.Account``."""
        self._waiting += size
        return self._waiting <= MAX_UNSENT

    def finished(self, number: int) -> None:
        """The stream's last frame has been sent."""

    def send_head(self, number: int, block: Block, last: bool) -> None:
        """See ``intake.Connection``."""
        try:
            self._h2.send_block(number, block, last)
        except ProtocolError:
            return  # it is gone
        if last:
            self.finished(number)

    def pump(self, answer: Answer) -> None:
        """See ``answer.Output``."""
        while answer.unsent:
            if not self._send_piece(answer):
                return
        if answer.finishing:
            self._send_end(answer)

    def pump_blocked(self) -> None:
        """The window of the connection has grown: one frame for each in turn, while it lasts."""
        blocked = self._blocked
        while blocked and self._h2.outbound_flow_control_window > 0:
            answer = blocked.popleft()
            if self._send_piece(answer):
                if answer.unsent:
                    blocked.append(answer)
                elif answer.finishing:
                    self._send_end(answer)

    def _send_piece(self, answer: Answer) -> bool:
        """Send one frame of the body of *answer*; false if it has to wait, or was the last one, or its stream is gone."""
        if not answer.unsent:
            return False
        h2 = self._h2
        try:
            window = h2.local_flow_control_window(answer.number)
        except ProtocolError:
            return False
        if window <= 0:
            if h2.outbound_flow_control_window <= 0 and answer not in self._blocked:
                self._blocked.append(answer)
            return False
        piece = answer.unsent.take(min(window, MAX_FRAME))
        last = answer.finishing and not answer.unsent and not answer.tail
        try:
            h2.send_piece(answer.number, piece, last)
        except ProtocolError:
            return False
        self._budget.earn(BODY_FRAME)
        if last:
            self.finished(answer.number)
        return not last

    def _send_end(self, answer: Answer) -> None:
        try:
            if answer.tail:
                self._h2.send_block(answer.number, answer.tail, last=True)
            else:
                self._h2.send_piece(answer.number, b"", last=True)
        except ProtocolError:
            return
        self.finished(answer.number)
