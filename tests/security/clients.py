"""The clients of the corpus: what they send is written byte by byte, and they do not mind what comes back."""

import re
import socket
from typing import Final

import hpack
from hyperframe.frame import DataFrame, Frame, GoAwayFrame, HeadersFrame, RstStreamFrame, SettingsFrame

from tests.security.recorder import CANARY

_PATIENCE: Final = 20.0
_STATUS: Final = re.compile(rb"HTTP/1\.1 (\d{3}) ")
_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def http1(port: int, content: bytes, step: int = 0) -> tuple[tuple[str, ...], bytes]:
    """Send *content*, end the sending side, read to the end: the status codes, and all bytes.

    :param step: bytes to send at once; 0: all of them.
    """
    with socket.create_connection(("127.0.0.1", port), _PATIENCE) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for start in range(0, len(content), step or len(content)):
                sock.sendall(content[start : start + (step or len(content))])
            sock.shutdown(socket.SHUT_WR)
        except OSError:  # it was refused before it was all there; what was answered can still be read
            pass
        received = b""
        try:
            while piece := sock.recv(65536):
                received += piece
        except ConnectionResetError:
            pass
    return tuple(status.decode() for status in _STATUS.findall(received)), received


def http2(port: int, fields: tuple[tuple[bytes, bytes], ...], body: bytes) -> tuple[str, ...]:
    """Send one request as it is: its status, or how it was refused."""
    headers = HeadersFrame(1, hpack.Encoder().encode(list(fields), huffman=False), flags=["END_HEADERS"])
    if not body:
        headers.flags.add("END_STREAM")
    frames: list[Frame] = [SettingsFrame(), headers]
    if body:
        frames.append(DataFrame(1, body, flags=["END_STREAM"]))
    with socket.create_connection(("127.0.0.1", port), _PATIENCE) as sock:
        sock.sendall(_PREFACE + b"".join(frame.serialize() for frame in frames))
        decoder = hpack.Decoder()
        received = b""
        while True:
            while len(received) < 9 or len(received) < 9 + int.from_bytes(received[:3]):
                piece = sock.recv(65536)
                if not piece:
                    return ("closed",)
                received += piece
            frame, length = Frame.parse_frame_header(memoryview(received[:9]))
            frame.parse_body(memoryview(received[9 : 9 + length]))
            received = received[9 + length :]
            if isinstance(frame, HeadersFrame):
                return (str(dict(decoder.decode(frame.data))[":status"]),)
            if isinstance(frame, RstStreamFrame):
                return ("RST",)
            if isinstance(frame, GoAwayFrame):
                return ("GOAWAY",)


def canary(port: int) -> bytes:
    """An innocent request on a connection of its own: the body it is answered with."""
    with socket.create_connection(("127.0.0.1", port), _PATIENCE) as sock:
        sock.sendall(CANARY)
        received = b""
        while not received.endswith(b"ok"):
            piece = sock.recv(65536)
            if not piece:
                break
            received += piece
    return received.partition(b"\r\n\r\n")[2]
