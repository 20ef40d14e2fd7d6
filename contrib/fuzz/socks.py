"""SOCKS, both sides: how bytes are cut does not matter; nothing a peer sends raises anything."""

from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

from contrib.fuzz.properties import Property, cuts, damaged
from pipy_core.api import EOS, Data, Event, StreamEnd
from pipy_core.testing import Grammar, Tape, merged, target
from pipy_plugins.socks.accept import AcceptSOCKS
from pipy_plugins.socks.connect import ConnectSOCKS
from pipy_plugins.socks.wire import credentials_of, greeting, reply, request_of

HOSTS = st.sampled_from(["a.b", "10.0.0.1", "::1", "x" * 255])
PORTS = st.integers(1, 65535)
LOGINS = st.sampled_from([credentials_of("joe", "secret"), credentials_of("joe", ""), credentials_of("j" * 255, "s" * 255)])
REQUESTS = st.builds(request_of, HOSTS, PORTS)
CLIENTS = st.one_of(
    st.builds(lambda request: greeting(b"") + request + b"early", REQUESTS),
    st.builds(lambda login, request: greeting(login) + login + request + b"early", LOGINS, REQUESTS),
    st.builds(lambda port: b"\x04\x01" + port.to_bytes(2) + b"\x0a\x01\x02\x03joe\0early", PORTS),
    st.builds(lambda port: b"\x04\x01" + port.to_bytes(2) + b"\0\0\0\x01joe\0a.b\0early", PORTS),
)
PROXIES = st.one_of(
    st.builds(lambda code: b"\x05\x00" + reply(code) + b"early", st.integers(0, 9)),
    st.builds(lambda name: b"\x05\x00\x05\x00\x00\x03" + bytes((len(name),)) + name + b"\0\x50early", st.binary(max_size=20)),
    st.just(b"\x05\x02\x01\x00" + reply(0) + b"early"),
    st.just(b"\x05\x02\x01\x01"),
)
#: What a client says, and which of the two answers of the script it meets.
_STAGES: list[Any] = [
    (AcceptSOCKS, target("out"), lambda *_: True, {"authenticate": None}),
    (AcceptSOCKS, target("out"), lambda *_: False, {"authenticate": lambda *_: True}),
    (AcceptSOCKS, target("out"), lambda *_: True, {"authenticate": lambda *_: True}),
]
_CREDENTIALS = [{"username": "", "password": ""}, {"username": "joe", "password": "secret"}]


def _pieces(content: bytes, places: list[int]) -> list[Data]:
    bounds = [0, *sorted(min(place, len(content)) for place in places), len(content)]
    return [Data(content[begin:end]) for begin, end in pairwise(bounds)]


def _checked(output: list[Event]) -> list[Event]:
    grammar = Grammar()
    for event in output:
        grammar.follow(event)
    return merged(output)


def accept(number: int, content: bytes, places: list[int]) -> tuple[list[Event], list[Event]]:
    """What a client is told, and what goes to where it is connected to."""
    tape = Tape([_STAGES[number]])
    output = [event for piece in _pieces(content, places) for event in tape.play(piece).events]
    output += tape.play(EOS).events
    children = tape.children()
    assert len(children) <= 1
    return _checked(output), _checked(children[0].fed) if children else []


def connect(number: int, content: bytes, places: list[int]) -> tuple[list[Event], list[Event]]:
    """What comes out of the proxy, and what it is told."""
    tape = Tape([(ConnectSOCKS, target("proxy"), "a.b:80", _CREDENTIALS[number])])
    output = list(tape.play(Data(b"hello")).events)
    proxy = tape.child("proxy")
    for piece in _pieces(content, places):
        output += proxy.reply(piece).events
    if not output or not isinstance(output[-1], StreamEnd):
        output += proxy.reply(EOS).events
    return _checked(output), _checked(proxy.fed)


def _accept_in_pieces(example: tuple[int, tuple[bytes, list[int]]]) -> None:
    number, (content, places) = example
    assert accept(number, content, []) == accept(number, content, places)


def _connect_in_pieces(example: tuple[int, tuple[bytes, list[int]]]) -> None:
    number, (content, places) = example
    assert connect(number, content, []) == connect(number, content, places)


PROPERTIES = [
    Property("clients in any pieces", st.tuples(st.integers(0, 2), cuts(CLIENTS | damaged(CLIENTS))), _accept_in_pieces),
    Property("any client", st.tuples(st.integers(0, 2), cuts(st.binary(max_size=40))), _accept_in_pieces),
    Property("proxies in any pieces", st.tuples(st.integers(0, 1), cuts(PROXIES | damaged(PROXIES))), _connect_in_pieces),
    Property("any proxy", st.tuples(st.integers(0, 1), cuts(st.binary(max_size=40))), _connect_in_pieces),
]
