"""print: where lines end, and what is left out of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_core.api import END, EOS, FLUSH, Data
from pipy_core.testing import Tape, check_filter, declared, logged
from pipy_plugins import print as print_plugin
from pipy_plugins.print import Print
from tests.strategies import streams


def printed(*events):
    with logged() as lines:
        Tape(Print).play(*events).expect(*events)
    return [line.removeprefix("[INF] [print] ") for line in lines]


@pytest.mark.parametrize(
    ("events", "lines"),
    [
        pytest.param([Data(b"one\ntwo")], ["one"], id="unfinished"),
        pytest.param([Data(b"one\ntwo"), END], ["one", "two"], id="end-of-message"),
        pytest.param([Data(b"one\ntwo"), EOS], ["one", "two"], id="end-of-stream"),
        pytest.param([Data(b"on"), FLUSH, Data(b"e\n")], ["one"], id="in-pieces"),
        pytest.param([Data(b"\n\n"), END], ["", ""], id="empty-lines"),
        pytest.param([Data(b"a\r\n\tb\0\n")], ["a", "b"], id="control-characters"),
        pytest.param([Data(b"x" * 100)], ["x" * 100], id="wide"),
        pytest.param([Data(b"x" * 100 + b"\ny\n")], ["x" * 100, "y"], id="just-wide-enough"),
        pytest.param([Data(b"x" * 100), END, Data(b"\n")], ["x" * 100, ""], id="wide-then-a-message-of-its-own"),
        pytest.param([Data(b"x" * 250 + b"\n")], ["x" * 100, "x" * 100, "x" * 50], id="too-wide"),
        pytest.param([Data("é".encode()[:1]), Data("é".encode()[1:] + b"\n")], ["é"], id="a-character-in-two-pieces"),
        pytest.param([Data(b"\xff\xc3"), EOS], ["\ufffd\ufffd"], id="not-utf-8"),
        pytest.param([END, EOS], [], id="nothing"),
    ],
)
def test_lines(events, lines):
    assert printed(*events) == lines


@given(text=st.text(alphabet=st.characters(min_codepoint=32, exclude_categories=["Cs"])), size=st.integers(1, 7))
def test_no_character_is_lost_however_it_comes(text, size):
    payload = text.encode()
    pieces = [Data(payload[start : start + size]) for start in range(0, len(payload), size)]
    assert "".join(printed(*pieces, EOS)) == text


@given(events=streams())
def test_keeps_the_filter_contract(events):
    with logged():
        assert check_filter(Print, events) == events


def test_it_is_declared():
    assert declared(print_plugin, "print").filter is Print
