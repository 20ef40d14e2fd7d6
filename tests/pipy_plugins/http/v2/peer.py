"""A client that speaks HTTP/2 with a filter on a tape: h2's own side of a client, and frames by hand."""

from collections.abc import Iterable

import h2.config
import h2.connection
import h2.events
from h2.errors import ErrorCodes
from h2.settings import SettingCodes
from hyperframe.frame import Frame

from pipy_core.events import Data, Event, StreamEnd
from pipy_core.testing import Tape

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
GET = [(":method", "GET"), (":scheme", "http"), (":authority", "h"), (":path", "/")]
POST = [(":method", "POST"), *GET[1:]]


def raw(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """A frame."""
    return len(payload).to_bytes(3) + bytes((kind, flags)) + stream.to_bytes(4) + payload


DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS = 1, 1, 4
#: The fields of GET without any table, and of POST.
GET_BLOCK = b"\x82\x86\x84\x01\x01h"
POST_BLOCK = b"\x83\x86\x84\x01\x01h"
HELLO = PREFACE + raw(SETTINGS, 0, 0)


class Peer:
    """One connection. What the filter sends is in ``events``; ``ended`` when it has ended the stream."""

    def __init__(self, tape: Tape, window: int | None = None) -> None:
        self.tape = tape
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
        self.events: list[h2.events.Event] = []
        self.ended = False
        self.h2.initiate_connection()
        if window is not None:
            self.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: window})
        self.send()

    def send(self, more: bytes = b"") -> "Peer":
        """What h2 has to say, and *more*, goes to the filter; its answers come back, until nobody has more to say."""
        data = self.h2.data_to_send() + more
        while data:
            self.take(self.tape.play(Data(data)).events)
            data = self.h2.data_to_send()
        return self

    def take(self, events: Iterable[Event]) -> None:
        """The filter has emitted *events*."""
        for event in events:
            if isinstance(event, Data):
                assert not self.ended
                self.events += self.h2.receive_data(event.payload)
            elif isinstance(event, StreamEnd):
                self.ended = True

    def request(self, headers: Iterable[tuple[str, str]] = GET, body: bytes | None = None) -> int:
        """Send a request; the number of its stream."""
        number = self.h2.get_next_available_stream_id()
        self.h2.send_headers(number, list(headers), end_stream=body is None)
        if body is not None:
            self.h2.send_data(number, body, end_stream=True)
        self.send()
        return number

    def of(self, number: int) -> list[h2.events.Event]:
        """What has come on a stream."""
        return [event for event in self.events if getattr(event, "stream_id", None) == number]

    def headers(self, number: int) -> dict[str, str]:
        """The head of its response."""
        return {
            str(name): str(value)
            for event in self.of(number)
            if isinstance(event, h2.events.ResponseReceived)
            for name, value in event.headers
        }

    def trailers(self, number: int) -> list[tuple[str, str]]:
        """What is behind the body of its response."""
        return [
            (str(name), str(value))
            for event in self.of(number)
            if isinstance(event, h2.events.TrailersReceived)
            for name, value in event.headers
        ]

    def body(self, number: int) -> bytes:
        """The body of its response."""
        return b"".join(event.data for event in self.of(number) if isinstance(event, h2.events.DataReceived))

    def is_complete(self, number: int) -> bool:
        """Whether its response has ended."""
        return any(isinstance(event, h2.events.StreamEnded) for event in self.of(number))

    def reset(self, number: int) -> ErrorCodes | int | None:
        """How it was reset, if it was."""
        for event in self.of(number):
            if isinstance(event, h2.events.StreamReset):
                return event.error_code
        return None

    def goaway(self) -> ErrorCodes | int | None:
        """What GOAWAY said, if there was one."""
        for event in self.events:
            if isinstance(event, h2.events.ConnectionTerminated):
                return event.error_code
        return None


def frames(events: Iterable[Event]) -> list[Frame]:
    """The frames in what a filter has emitted."""
    data = b"".join(event.payload for event in events if isinstance(event, Data))
    found = []
    while data:
        frame, length = Frame.parse_frame_header(memoryview(data[:9]))
        frame.parse_body(memoryview(data[9 : 9 + length]))
        found.append(frame)
        data = data[9 + length :]
    return found
