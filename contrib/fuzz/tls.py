"""The first message of a TLS client: what is in it is found, however it is cut; whatever else comes is told to be none."""

import ssl
from contextlib import suppress
from itertools import pairwise

from hypothesis import strategies as st

from contrib.fuzz.properties import Property, cuts, damaged
from pipy_plugins.tls.hello import MAX_HELLO, Hello, HelloReader, NotHello

NAMES = st.lists(st.text("abc.-", min_size=1, max_size=20), max_size=3)


def _vector(count: int, content: bytes) -> bytes:
    return len(content).to_bytes(count) + content


def _extension(kind: int, content: bytes) -> bytes:
    return kind.to_bytes(2) + _vector(2, content)


def records(body: bytes, size: int) -> bytes:
    """*body* as a ClientHello in records of *size* bytes."""
    message = b"\x01" + _vector(3, body)
    return b"".join(b"\x16\x03\x01" + _vector(2, message[at : at + size]) for at in range(0, len(message), size))


@st.composite
def hellos(draw: st.DrawFn) -> tuple[Hello, bytes]:
    """What a client says, and how."""
    hello = Hello(draw(st.none() | NAMES), draw(st.none() | NAMES))
    extensions = [_extension(draw(st.integers(20, 60)), draw(st.binary(max_size=10)))]
    if hello.server_names is not None:
        extensions.append(_extension(0, _vector(2, b"".join(b"\0" + _vector(2, name.encode()) for name in hello.server_names))))
    if hello.protocol_names is not None:
        extensions.append(_extension(16, _vector(2, b"".join(_vector(1, name.encode()) for name in hello.protocol_names))))
    start = b"\x03\x03" + bytes(32) + _vector(1, draw(st.binary(max_size=32))) + _vector(2, b"\x13\x01") + _vector(1, b"\0")
    body = start + _vector(2, b"".join(draw(st.permutations(extensions))))
    return hello, records(body, draw(st.integers(4, 200)))


def _real() -> bytes:
    outgoing = ssl.MemoryBIO()
    context = ssl.create_default_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="example.com").do_handshake()
    return outgoing.read()


def read(content: bytes, places: list[int]) -> Hello | bool:
    """What is found; True: more has to come. False: it is none."""
    reader = HelloReader()
    bounds = [0, *sorted(min(place, len(content)) for place in places), len(content)]
    for begin, end in pairwise(bounds):
        try:
            hello = reader.feed(content[begin:end])
        except NotHello:
            return False
        if hello is not None:
            return hello
        assert len(reader.received) <= MAX_HELLO
    return True


def _is_found(example: tuple[tuple[Hello, bytes], list[int]]) -> None:
    (hello, content), places = example
    assert read(content + b"more", places) == hello
    assert read(content[:-1], places) is True


def _in_pieces(example: tuple[bytes, list[int]]) -> None:
    content, places = example
    assert read(content, []) == read(content, places)


BYTES = hellos().map(lambda example: example[1]) | st.just(_real())

PROPERTIES = [
    Property("is found", st.tuples(hellos(), st.lists(st.integers(0, 400), max_size=6)), _is_found),
    Property("damaged in any pieces", cuts(damaged(BYTES)), _in_pieces),
    Property(
        "anything in any pieces",
        cuts(st.binary(max_size=80) | st.binary(max_size=80).map(lambda body: records(body, 50))),
        _in_pieces,
    ),
]
