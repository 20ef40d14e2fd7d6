"""All handle* filters: what the script sees, what passes, what happens when it throws."""

from functools import partial

import pytest
from hypothesis import given

from pipy_core.api import (
    END,
    EOS,
    FLUSH,
    Data,
    Failure,
    Function,
    Head,
    Message,
    MessageStart,
    ScriptDict,
    ScriptError,
    StreamEnd,
)
from pipy_core.errors import ArgumentError
from pipy_core.limits import Limits
from pipy_core.params import bind
from pipy_core.testing import Tape, check_filter, declared, logged, throws
from pipy_plugins.handle import data, message, message_body, message_end, message_start, stream_end, stream_start
from pipy_plugins.handle.data import HandleData
from pipy_plugins.handle.message import HandleMessage
from pipy_plugins.handle.message_body import HandleMessageBody
from pipy_plugins.handle.message_end import HandleMessageEnd
from pipy_plugins.handle.message_start import HandleMessageStart
from pipy_plugins.handle.stream_end import HandleStreamEnd
from pipy_plugins.handle.stream_start import HandleStreamStart
from tests.strategies import streams

HEAD = Head({"path": "/"})
START = MessageStart(HEAD)
STREAM = [FLUSH, START, Data(b"ab"), Data(b"c"), END, Data(b"x"), EOS]
MIB = 1024 * 1024

SEEN = [
    pytest.param(HandleStreamStart, [FLUSH], id="handleStreamStart"),
    pytest.param(HandleData, [Data(b"ab"), Data(b"c"), Data(b"x")], id="handleData"),
    pytest.param(HandleMessageStart, [START], id="handleMessageStart"),
    pytest.param(HandleMessageEnd, [END], id="handleMessageEnd"),
    pytest.param(HandleStreamEnd, [EOS], id="handleStreamEnd"),
    pytest.param(HandleMessage, [Message(HEAD, Data(b"abc"))], id="handleMessage"),
    pytest.param(HandleMessageBody, [Data(b"abc")], id="handleMessageBody"),
]


@pytest.mark.parametrize(("filter_type", "expected"), SEEN)
def test_the_script_sees_its_events_and_all_pass(filter_type, expected):
    seen = []
    Tape(filter_type, seen.append).play(*STREAM).expect(*STREAM)
    assert seen == expected


@pytest.mark.parametrize(("filter_type", "expected"), SEEN)
def test_what_the_script_returns_is_ignored(filter_type, expected):
    Tape(filter_type, lambda _: Data(b"ignored")).play(*STREAM).expect(*STREAM)


@pytest.mark.parametrize(("filter_type", "expected"), SEEN)
def test_the_script_is_called_before_the_event_passes(filter_type, expected):
    passed = []
    tape = Tape([(filter_type, lambda _: passed.append("seen")), (HandleData, lambda _: None)])
    tape.play(STREAM[0]).anything()
    for event in STREAM[1:]:
        before = len(passed)
        tape.play(event).expect(event)
        assert len(passed) <= before + 1


@pytest.mark.parametrize(("filter_type", "expected"), SEEN)
def test_an_exception_ends_the_stream(filter_type, expected):
    tape = Tape(filter_type, throws())
    events = tape.play(*STREAM).fails(ScriptError).events
    assert events[-1] == StreamEnd(Failure.RUNTIME_ERROR)
    assert events[:-1] == STREAM[: len(events) - 1]
    tape.play(Data(b"late")).expect()


@pytest.mark.parametrize(("filter_type", "expected"), SEEN)
@given(events=streams())
def test_keeps_the_filter_contract(filter_type, expected, events):
    assert check_filter((filter_type, lambda _: None), events) == events


class TestMessages:
    def test_an_empty_message_has_an_empty_body(self):
        seen = []
        Tape(HandleMessage, seen.append).play(MessageStart(), END).expect(MessageStart(), END)
        assert seen == [Message(None, Data())]

    def test_what_a_script_does_to_the_body_stays_with_it(self):
        piece = Data(b"whole")

        def shift(body):
            body.payload = body.payload[3:]  # as the engine does when a script has changed its argument

        Tape(HandleMessageBody, shift).play(START, piece, END).expect(START, Data(b"whole"), END)
        assert piece.payload == b"whole"

    def test_events_pass_before_the_message_is_complete(self):
        seen = []
        tape = Tape(HandleMessage, seen.append)
        tape.play(START, Data(b"a")).expect(START, Data(b"a"))
        assert seen == []
        tape.play(EOS).expect(EOS)
        assert seen == [Message(HEAD, Data(b"a"))]

    def test_several_messages(self):
        seen = []
        events = [START, Data(b"1"), END, Data(b"beside"), START, Data(b"2"), END]
        Tape(HandleMessageBody, seen.append).play(*events).expect(*events)
        assert seen == [Data(b"1"), Data(b"2")]

    def test_an_end_without_a_message_is_no_message(self):
        seen = []
        Tape(HandleMessage, seen.append).play(END, EOS).expect(END, EOS)
        assert seen == []

    def test_a_body_cut_off_by_an_error_is_not_shown(self):
        seen = []
        reset = StreamEnd(Failure.CONNECTION_RESET)
        Tape(HandleMessage, seen.append).play(START, Data(b"par"), reset).expect(START, Data(b"par"), reset)
        assert seen == []

    def test_a_request_on_which_a_script_has_failed_is_not_shown(self):
        seen = []
        start, failed = MessageStart(Head({"method": "GET"})), StreamEnd(Failure.RUNTIME_ERROR)
        Tape(HandleMessage, seen.append).play(start, failed).expect(start, failed)
        assert seen == []

    def test_an_error_in_place_of_a_body_is_shown(self):
        seen = []
        refused = StreamEnd(Failure.CONNECTION_REFUSED)
        Tape(HandleMessage, seen.append).play(START, refused).expect(START, refused)
        assert seen == [Message(HEAD, Data())]

    @pytest.mark.parametrize(
        ("filter_type", "limit", "expected", "lines"),
        [
            (HandleMessage, 4, b"abcd", ["[ERR] [handleMessage] 4 bytes were discarded due to buffer size limit of 4"]),
            (HandleMessageBody, 4, b"abcd", ["[ERR] [handleMessageBody] 4 bytes were discarded due to buffer size limit of 4"]),
            (HandleMessageBody, 8, b"abcdefgh", []),
            (HandleMessageBody, 0, b"", []),
            (HandleMessageBody, -1, b"abcdefgh", []),
        ],
    )
    def test_a_limit_cuts_the_copy_only(self, filter_type, limit, expected, lines):
        seen = []
        events = [START, Data(b"abc"), Data(b"def"), Data(b"gh"), END]
        with logged() as log:
            Tape(filter_type, limit, seen.append).play(*events).expect(*events)
        assert log == lines
        assert seen in ([Data(expected)], [Message(HEAD, Data(expected))])

    def test_without_a_limit_a_huge_body_ends_the_stream(self):
        tape = Tape(HandleMessage, throws())
        chunk = Data(bytes(MIB))
        tape.play(START, *[chunk] * 16).expect(START, *[chunk] * 16)
        with logged() as log:
            tape.play(Data(b"x"), END, EOS).expect(StreamEnd(Failure.BUFFER_OVERFLOW))
        assert log == ["[ERR] [handleMessage] message body exceeds 16777216 bytes and no size limit was given"]

    def test_the_limit_of_the_port_counts_where_there_is_none(self):
        small = Limits(max_body_buffer=2)
        Tape(HandleMessage, throws(), limits=small).play(START, Data(b"abc")).expect(START, StreamEnd(Failure.BUFFER_OVERFLOW))
        Tape(HandleMessage, 3, lambda message: None, limits=small).play(START, Data(b"abc"), END).expect(START, Data(b"abc"), END)


CALLBACK = Function(1)


@pytest.mark.parametrize(
    ("args", "bound"),
    [
        ([CALLBACK], [CALLBACK]),
        (["2k", CALLBACK], [2048, CALLBACK]),
        ([10, CALLBACK], [10, CALLBACK]),
        ([None, CALLBACK], [None, CALLBACK]),
    ],
)
@pytest.mark.parametrize(("plugin", "name"), [(message, "handleMessage"), (message_body, "handleMessageBody")])
def test_forms_of_a_call(plugin, name, args, bound):
    assert bind(declared(plugin, name).forms, args) == bound


@pytest.mark.parametrize(
    ("plugin", "name"),
    [
        (data, "handleData"),
        (message_end, "handleMessageEnd"),
        (message_start, "handleMessageStart"),
        (stream_end, "handleStreamEnd"),
        (stream_start, "handleStreamStart"),
        (message, "handleMessage"),
        (message_body, "handleMessageBody"),
    ],
)
def test_a_function_is_required(plugin, name):
    forms = declared(plugin, name).forms
    with pytest.raises(ArgumentError, match="requires 1 or more"):
        bind(forms, [])
    with pytest.raises(ArgumentError, match="expects a function, given an object"):
        bind(forms, [ScriptDict()])


def test_prepare_gives_a_new_instance_each_time():
    make = HandleMessage.prepare(CALLBACK)
    assert isinstance(make, partial)
    assert make() is not make()
