"""What crosses to the script and back: the tables in Python alone, round trips through a real isolate."""

import gc
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_core.context import UNDEFINED, Function, Identity, ScriptDict, ScriptList
from pipy_core.events import END, EOS, FLUSH, Data, Failure, Head, Message, MessageStart, StreamEnd
from pipy_core.script.codec import DATA, JSON, MESSAGE, MESSAGE_END, NOTHING, PIN_COST, START, STREAM_END, Codec

TEXT = st.text()
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-(2**53) + 1, 2**53 - 1), TEXT)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=8)
FIELDS = st.dictionaries(st.text(min_size=1), VALUES, max_size=4)


def echoed(sent):
    """What Python gets when the script hands back what it was given, as its half would put it."""
    if not isinstance(sent, tuple):
        return sent
    kind, *content = sent
    if kind == DATA:
        number, size = content
        return {"p": [[number, 0, size]] if number else []}
    if kind == START:
        return {"s": content[0] and content[0][0]}
    return {{JSON: "v", MESSAGE_END: "e", STREAM_END: "z", NOTHING: "u"}[kind]: content[0] if content else 0}


class TestTowardsTheScript:
    @pytest.mark.parametrize(
        ("value", "sent"),
        [
            (None, None),
            (True, True),
            (1.5, 1.5),
            ("text", "text"),
            (END, (MESSAGE_END,)),
            (EOS, (STREAM_END, "")),
            (StreamEnd(Failure.READ_ERROR), (STREAM_END, "ReadError")),
            (FLUSH, (DATA, 0, 0)),
            (UNDEFINED, (NOTHING,)),
            ({"a": 1}, (JSON, {"a": 1})),
            ([1], (JSON, [1])),
            ((1, 2), (JSON, (1, 2))),
        ],
    )
    def test_values(self, value, sent):
        assert Codec().argument(value) == sent

    @pytest.mark.parametrize(
        ("value", "sent", "heads"),
        [
            (MessageStart(None), [START, None], []),
            (MessageStart(Head({"a": "é"})), [START, [1, 1]], ['{"a":"é"}']),
            (Message(None, None), [MESSAGE, None, None], []),
            (Message(Head({}), FLUSH), [MESSAGE, [1, 1], [DATA, 0, 0]], ["{}"]),
            ("text", "text", []),
            (Data(b"abc"), [DATA, 1, 3], []),
        ],
    )
    def test_values_of_a_request(self, value, sent, heads):
        lines = []
        assert json.loads(Codec().json(value, lines)) == sent
        assert [line.decode() for line in lines] == heads

    def test_a_payload_crosses_as_a_number_and_a_size(self):
        codec = Codec()
        first, second = Data(b"abc"), Data(b"defg")
        assert codec.argument(first) == (DATA, 1, 3)
        assert codec.argument(second) == (DATA, 2, 4)
        assert codec.argument(first) == (DATA, 1, 3)
        assert codec.counts() == {"heads": 0, "payloads": 2, "pinned": 7 + 2 * PIN_COST}

    def test_a_payload_that_was_let_go_is_pinned_again(self):
        codec = Codec()
        data = Data(b"abc")
        codec.argument(data)
        codec.unpin([1, 99])
        assert codec.pinned == 0
        assert codec.argument(data) == (DATA, 2, 3)

    def test_a_payload_that_was_replaced_gets_a_number_of_its_own(self):
        codec = Codec()
        data = Data(b"abc")
        codec.argument(data)
        data.payload = b"other"
        assert codec.argument(data) == (DATA, 2, 5)

    def test_a_head_crosses_once(self):
        codec = Codec()
        head = Head({"path": "/"})
        heads = []
        assert codec.json(MessageStart(head), heads) == b"[2,[1,1]]"
        assert codec.json(MessageStart(head), heads) == b"[2,1]"
        assert codec.json(Message(head, Data(b"x")), heads) == b"[3,1,[1,1,1]]"
        assert heads == [b'{"path":"/"}']

    def test_heads_that_python_has_let_go_of_are_told_once(self):
        codec = Codec()
        head = Head({})
        codec.json(MessageStart(head), [])
        assert codec.take_released() == []
        del head
        gc.collect()
        assert codec.take_released() == [1]
        assert codec.take_released() == []
        assert codec.counts()["heads"] == 0


class TestFromTheScript:
    @pytest.mark.parametrize(
        ("sent", "value"),
        [
            (None, None),
            (7, 7),
            ("text", "text"),
            ({"u": 0}, UNDEFINED),
            ({"e": 0}, END),
            ({"z": ""}, EOS),
            ({"f": "Infinity"}, math.inf),
            ({"f": "12345678901234567890"}, 12345678901234567890.0),
            ({"i": [3, "Map"]}, Identity(3)),
            ({"l": [1, {"e": 0}, {"l": []}]}, [1, END, []]),
            ({"v": {"s": "a plain object"}}, {"s": "a plain object"}),
            ({"p": []}, Data(b"")),
            ({"p": ["ä"]}, Data("ä".encode())),
            ({"p": [{"x": "\x00\xff"}]}, Data(b"\x00\xff")),
            ({"p": ["a", {"x": "\x80"}, "b"]}, Data(b"a\x80b")),
            ({"s": None}, MessageStart(None)),
            ({"m": [None, None]}, Message(None, None)),
            ({"m": [None, {"p": ["x"]}]}, Message(None, Data(b"x"))),
            ({"m": [None, [DATA, 0, 0]]}, Message(None, Data())),
        ],
    )
    def test_values(self, sent, value):
        assert Codec().value(sent) == value

    def test_not_a_number(self):
        assert math.isnan(Codec().value({"f": "NaN"}))

    def test_functions_by_number(self):
        function = Codec().value({"F": 4})
        assert isinstance(function, Function)
        assert function.number == 4

    def test_constants_keep_their_numbers_at_every_depth(self):
        constant = Codec().value({"O": [0, {"list": {"L": [1, [1, {"F": 2}]]}}]})
        assert isinstance(constant, ScriptDict)
        assert constant.number == 0
        assert isinstance(constant["list"], ScriptList)
        assert constant["list"].number == 1
        assert constant["list"][1].number == 2

    def test_a_piece_of_a_payload(self):
        codec = Codec()
        codec.argument(Data(b"0123456789"))
        assert codec.value({"p": [[1, 2, 5]]}) == Data(b"234")
        assert codec.value({"p": [[1, 0, 1], "-", [1, 9, 10]]}) == Data(b"0-9")

    def test_a_whole_payload_comes_back_without_a_copy(self):
        codec = Codec()
        data = Data(b"0123456789")
        codec.argument(data)
        assert codec.value({"p": [[1, 0, 10]]}).payload is data.payload
        assert codec.value({"m": [None, [DATA, 1, 10]]}).body.payload is data.payload

    def test_a_head_that_the_script_made_is_known_from_then_on(self):
        codec = Codec()
        start = codec.value({"s": [-1, {"status": 200}]})
        assert start == MessageStart(Head({"status": 200}))
        assert codec.value({"s": -1}).head is start.head
        assert codec.json(start, []) == b"[2,-1]"

    def test_changes_reach_the_heads_that_are_still_there(self):
        codec = Codec()
        head, other = Head({"a": 1}), Head({"a": 1})
        codec.json(MessageStart(head), [])
        codec.json(MessageStart(other), [])
        del other
        gc.collect()
        codec.apply([[1, {"a": 2}], [2, {"a": 3}], [99, {}]])
        assert head.fields == {"a": 2}


@given(VALUES)
def test_plain_values_come_back_as_they_were(value):
    codec = Codec()
    assert codec.value(echoed(codec.argument(value))) == value


@given(
    st.one_of(st.binary().map(Data), st.sampled_from(Failure).map(StreamEnd), FIELDS.map(lambda fields: MessageStart(Head(fields))))
)
def test_events_come_back_as_they_were(event):
    codec = Codec()
    assert codec.value(echoed(tuple(json.loads(codec.json(event, []))))) == event


@given(st.lists(st.one_of(st.binary(max_size=20), st.text(st.characters(exclude_categories=["Cs"]), max_size=20)), max_size=6))
def test_ropes_of_any_pieces(pieces):
    codec = Codec()
    sent, expected = [], b""
    for piece in pieces:
        if isinstance(piece, str):
            sent.append(piece)
            expected += piece.encode()
        elif len(piece) % 2:
            sent.append([codec.pin(b"<" + piece + b">"), 1, len(piece) + 1])
            expected += piece
        else:
            sent.append({"x": piece.decode("latin-1")})
            expected += piece
    assert codec.payload(sent) == expected


def test_anything_survives_a_crossing(play):
    def story(stage):
        stage.load(main="pipy().pipeline('p').call(x => x).call(x => [x, x])")

        @given(st.one_of(SCALARS, st.binary().map(Data), st.sampled_from(Failure).map(StreamEnd)))
        def check(value):
            assert stage.call(0, value) == value
            assert stage.call(1, value) == [value, value]

        @given(FIELDS, st.binary())
        def check_messages(fields, body):
            message = Message(Head(fields), Data(body))
            assert stage.call(0, message) == message

        check()
        check_messages()

    play(story)
