"""All replace* filters: what comes instead of what, for every kind of value a script may give."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_core.api import (
    END,
    EOS,
    FLUSH,
    UNDEFINED,
    Data,
    Failure,
    Function,
    Head,
    Identity,
    Message,
    MessageStart,
    ScriptError,
    ScriptList,
    StreamEnd,
)
from pipy_core.params import bind
from pipy_core.testing import Tape, check_filter, declared, logged, merged, throws
from pipy_plugins.replace import data, message, message_body, message_end, message_start, stream_end, stream_start
from pipy_plugins.replace.data import ReplaceData
from pipy_plugins.replace.message import ReplaceMessage
from pipy_plugins.replace.message_body import ReplaceMessageBody
from pipy_plugins.replace.message_end import ReplaceMessageEnd
from pipy_plugins.replace.message_start import ReplaceMessageStart
from pipy_plugins.replace.stream_end import ReplaceStreamEnd
from pipy_plugins.replace.stream_start import ReplaceStreamStart
from tests.strategies import streams

HEAD = Head({"path": "/"})
START = MessageStart(HEAD)
STREAM = [FLUSH, START, Data(b"ab"), Data(b"c"), END, Data(b"x"), EOS]
NEW = Data(b"new")
MIB = 1024 * 1024

REPLACED = [
    pytest.param(ReplaceStreamStart, [NEW, *STREAM[1:]], [FLUSH], id="replaceStreamStart"),
    pytest.param(ReplaceData, [FLUSH, START, NEW, NEW, END, NEW, EOS], [Data(b"ab"), Data(b"c"), Data(b"x")], id="replaceData"),
    pytest.param(ReplaceMessageStart, [FLUSH, NEW, *STREAM[2:]], [START], id="replaceMessageStart"),
    pytest.param(ReplaceMessageEnd, [*STREAM[:4], NEW, *STREAM[5:]], [END], id="replaceMessageEnd"),
    pytest.param(ReplaceStreamEnd, [*STREAM[:-1], NEW], [EOS], id="replaceStreamEnd"),
    pytest.param(ReplaceMessage, [FLUSH, NEW, Data(b"x"), EOS], [Message(HEAD, Data(b"abc"))], id="replaceMessage"),
    pytest.param(ReplaceMessageBody, [FLUSH, START, NEW, END, Data(b"x"), EOS], [Data(b"abc")], id="replaceMessageBody"),
]


@pytest.mark.parametrize(("filter_type", "expected", "given_to_script"), REPLACED)
def test_a_function_makes_something_else(filter_type, expected, given_to_script):
    seen = []
    Tape(filter_type, lambda event: (seen.append(event), NEW)[1]).play(*STREAM).expect(*expected)
    assert seen == given_to_script


@pytest.mark.parametrize(("filter_type", "expected", "given_to_script"), REPLACED)
def test_a_constant_comes_instead(filter_type, expected, given_to_script):
    Tape(filter_type, NEW).play(*STREAM).expect(*expected)


@pytest.mark.parametrize(("filter_type", "expected", "given_to_script"), REPLACED)
@pytest.mark.parametrize("nothing", [UNDEFINED, None])
def test_nothing_comes_instead(filter_type, expected, given_to_script, nothing):
    expected = [event for event in expected if event is not NEW]
    Tape(filter_type, nothing).play(*STREAM).expect(*expected)
    Tape(filter_type, lambda _: nothing).play(*STREAM).expect(*expected)


@pytest.mark.parametrize(("filter_type", "expected", "given_to_script"), REPLACED)
def test_an_exception_ends_the_stream(filter_type, expected, given_to_script):
    tape = Tape(filter_type, throws())
    events = tape.play(*STREAM).fails(ScriptError).events
    assert events[-1] == StreamEnd(Failure.RUNTIME_ERROR)
    tape.play(Data(b"late"), EOS).expect()


@pytest.mark.parametrize(("filter_type", "expected", "given_to_script"), REPLACED)
@given(events=streams(), chunk=st.binary(min_size=1))
def test_keeps_the_filter_contract(filter_type, expected, given_to_script, events, chunk):
    kept_back = filter_type in (ReplaceStreamEnd, ReplaceMessage, ReplaceStreamStart)
    whole = filter_type in (ReplaceMessage, ReplaceMessageBody)
    frames = filter_type in (ReplaceMessageStart, ReplaceMessageEnd, ReplaceStreamStart)
    for replacement in (lambda _: Data(chunk), lambda _: [Data(chunk), EOS]):
        check_filter((filter_type, replacement), events, ends=not kept_back, chunking=whole, legal=not frames)


class TestResults:
    """What the values of a script stand for."""

    @pytest.mark.parametrize(
        ("result", "expected", "valid"),
        [
            (Data(b"a"), [Data(b"a")], True),
            (Data(), [Data()], True),
            (MessageStart(), [MessageStart()], True),
            (END, [END], True),
            (Message(HEAD, Data(b"b")), [START, Data(b"b"), END], True),
            (Message(HEAD, None), [START, END], True),
            ([], [], True),
            ([Data(b"a"), None, UNDEFINED, Message(None, Data(b"b"))], [Data(b"a"), MessageStart(), Data(b"b"), END], True),
            ([Data(b"a"), "text", Data(b"c")], [Data(b"a")], False),
            ([Data(b"a"), [Data(b"b")]], [Data(b"a")], False),
            ("text", [], False),
            (0, [], False),
            (False, [], False),
            (Identity(1), [], False),
        ],
    )
    @pytest.mark.parametrize("constant", [True, False])
    def test_each_kind(self, result, expected, valid, constant):
        if constant and isinstance(result, list):
            result = ScriptList(result)
        with logged() as lines:
            tape = Tape(ReplaceData, result if constant else lambda _: result)
            tape.play(Data(b"in")).expect(*expected)
            tape.play(Data(b"in")).expect(*expected)  # the stream goes on
        assert lines == ([] if valid else ["[ERR] [filter] not an Event object"] * 2)

    def test_nothing_comes_after_an_end_made_by_the_script(self):
        tape = Tape(ReplaceData, lambda _: [Data(b"last words"), EOS, Data(b"never")])
        tape.play(Data(b"x")).expect(Data(b"last words"), EOS)
        tape.play(Data(b"y"), FLUSH, START, END, EOS).expect()

    def test_a_constant_is_given_out_by_reference(self):
        [event] = Tape(ReplaceData, NEW).play(Data(b"x")).events
        assert event is NEW

    def test_an_event_that_comes_round_finds_the_end(self):
        tape = Tape(ReplaceData, lambda event: [event, Data(b"behind")] if event.payload == b"a" else EOS)
        behind = tape.pipeline._output  # the far end sends something back in while an event is on its way out
        stage = tape.pipeline._filters[0]

        def come_round(event):
            behind(event)
            if event == Data(b"a"):
                stage.process(Data(b"b"))

        stage.emit = come_round
        tape.play(Data(b"a")).expect(Data(b"a"), EOS)


class TestMessages:
    def test_nothing_passes_until_the_message_is_complete(self):
        tape = Tape(ReplaceMessage, lambda message: message)
        tape.play(START, Data(b"a"), FLUSH).expect()
        tape.play(Data(b"b"), END).expect(START, Data(b"ab"), END)

    def test_an_end_without_a_message_passes(self):
        Tape(ReplaceMessage, NEW).play(END, EOS).expect(END, EOS)
        Tape(ReplaceMessageBody, NEW).play(END, EOS).expect(END, EOS)

    def test_the_end_of_the_stream_completes_a_message(self):
        Tape(ReplaceMessage, lambda message: message.body).play(START, Data(b"a"), EOS).expect(Data(b"a"))
        Tape(ReplaceMessageBody, lambda body: body).play(START, Data(b"a"), EOS).expect(START, Data(b"a"), EOS)

    def test_a_body_cut_off_by_an_error_is_not_made_whole(self):
        reset = StreamEnd(Failure.CONNECTION_RESET)
        Tape(ReplaceMessage, NEW).play(START, Data(b"par"), reset).expect(reset)
        Tape(ReplaceMessageBody, NEW).play(START, Data(b"par"), reset).expect(START, reset)

    def test_a_request_on_which_a_script_has_failed_is_not_replaced(self):
        start, failed = MessageStart(Head({"method": "GET"})), StreamEnd(Failure.RUNTIME_ERROR)
        Tape(ReplaceMessage, NEW).play(start, failed).expect(failed)
        Tape(ReplaceMessageBody, NEW).play(start, failed).expect(start, failed)

    def test_an_error_in_place_of_a_body_can_be_replaced(self):
        Tape(ReplaceMessage, NEW).play(START, StreamEnd(Failure.CONNECTION_REFUSED)).expect(NEW)

    def test_a_body_replaced_by_the_end(self):
        Tape(ReplaceMessageBody, EOS).play(START, Data(b"a"), END, EOS).expect(START, EOS)

    @pytest.mark.parametrize(("filter_type", "tag"), [(ReplaceMessage, "replaceMessage"), (ReplaceMessageBody, "replaceBody")])
    def test_a_limit_cuts_what_the_script_sees(self, filter_type, tag):
        sizes = []
        with logged() as lines:
            tape = Tape(
                filter_type, 1024, lambda whole: sizes.append(len((whole.body if filter_type is ReplaceMessage else whole).payload))
            )
            tape.play(START, Data(bytes(1000)), Data(bytes(2000)), END).anything()
        assert sizes == [1024]
        assert lines == [f"[ERR] [{tag}] 1976 bytes were discarded due to buffer size limit of 1024"]

    @pytest.mark.parametrize("filter_type", [ReplaceMessage, ReplaceMessageBody])
    def test_without_a_limit_a_huge_body_ends_the_stream(self, filter_type):
        tape = Tape(filter_type, NEW)
        tape.play(START, *[Data(bytes(MIB))] * 16).anything()
        tape.play(Data(b"x"), END).expect(StreamEnd(Failure.BUFFER_OVERFLOW))
        tape.play(START, END, EOS).expect()


@given(events=streams(ended=True, cut=False))
def test_giving_the_same_back_changes_nothing_but_chunks(events):
    assert merged(check_filter((ReplaceMessage, lambda message: message), events)) == merged(events)
    assert merged(check_filter((ReplaceMessageBody, lambda body: body), events)) == merged(events)


CALLBACK = Function(1)


@pytest.mark.parametrize(
    ("args", "bound"),
    [
        ([], [None, UNDEFINED]),
        ([CALLBACK], [CALLBACK]),
        ([NEW], [NEW]),
        (["1k", CALLBACK], [1024, CALLBACK]),
        ([5], [5, UNDEFINED]),
    ],
)
@pytest.mark.parametrize(("plugin", "name"), [(message, "replaceMessage"), (message_body, "replaceMessageBody")])
def test_forms_of_a_call(plugin, name, args, bound):
    spec = declared(plugin, name)
    assert bind(spec.forms, args) == bound
    Tape(spec.filter, *bound).play(FLUSH).expect(FLUSH)


@pytest.mark.parametrize(
    ("plugin", "name"),
    [
        (data, "replaceData"),
        (message_end, "replaceMessageEnd"),
        (message_start, "replaceMessageStart"),
        (stream_end, "replaceStreamEnd"),
        (stream_start, "replaceStreamStart"),
    ],
)
def test_the_argument_may_be_anything_or_left_out(plugin, name):
    forms = declared(plugin, name).forms
    assert bind(forms, []) == [UNDEFINED]
    assert bind(forms, ["text"]) == ["text"]
