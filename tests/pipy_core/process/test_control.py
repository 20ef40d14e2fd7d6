"""Messages between supervisor and workers: what is sent arrives, however it is cut, and nothing else does."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_core.errors import ProtocolError
from pipy_core.limits import Limits
from pipy_core.process import control
from pipy_core.process.control import Frames, encode
from pipy_core.settings import Settings

addresses = st.lists(st.builds(control.Address, st.text(), st.integers(0, 65535), st.booleans()), max_size=3)
files = st.dictionaries(st.text(), st.one_of(st.none(), st.binary()), max_size=3)
numbers = st.integers(0, 2**53)
messages = st.one_of(
    st.builds(control.Load, numbers, st.text(), st.text(), st.text(), files, st.booleans()),
    st.builds(control.Sockets, addresses),
    st.builds(control.Loaded, numbers, addresses, st.lists(st.text(), max_size=2), files),
    st.builds(control.Failed, numbers, st.text(), st.text()),
    st.builds(control.Committed, numbers, st.text()),
    st.builds(control.Told, numbers, st.binary(), st.binary()),
    st.builds(control.Exit, st.integers(-(2**31), 2**31)),
    st.builds(control.Stop, st.booleans()),
    st.just(control.Beat()),
)


@given(st.lists(messages, max_size=4), st.lists(st.integers(1, 50), min_size=1))
def test_what_is_sent_arrives_however_it_is_cut(sent, sizes):
    stream = b"".join(map(encode, sent))
    frames = Frames()
    received, position = [], 0
    while position < len(stream):
        size = sizes[position % len(sizes)]
        received += frames.feed(stream[position : position + size])
        position += size
    assert received == sent


def test_settings_arrive_with_limits_and_address():
    settings = Settings(script="/a.js", admin_address=("::1", 6060), limits=replace(Limits(), max_requests=7))
    (welcome,) = Frames().feed(encode(control.Welcome(2, settings)))
    assert welcome.settings == settings
    assert welcome.settings.limits.load is not settings.limits.load
    assert welcome.settings.limits.load.memory_short is False


@pytest.mark.parametrize(
    "received",
    [b"\xff\xff\xff\xff", b"\0\0\0\2{}", b'\0\0\0\x10{"type":"Nobody"}', b"\0\0\0\1x"],
    ids=["too long", "no type", "unknown", "no JSON"],
)
def test_what_we_do_not_send_is_refused(received):
    with pytest.raises(ProtocolError):
        Frames().feed(received)


def test_what_is_too_long_is_not_sent(monkeypatch):
    monkeypatch.setattr(control, "MAX_MESSAGE", 10)
    with pytest.raises(ProtocolError, match="too long"):
        encode(control.Failed(1, "", "x" * 10))
