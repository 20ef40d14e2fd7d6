"""Events: what they are equal to, how they show themselves, what a Message stands for."""

import pytest

from pipy_core.events import END, EOS, FLUSH, Data, Failure, Head, Message, MessageEnd, MessageStart, ScriptObject, StreamEnd


@pytest.mark.parametrize(
    ("failure", "number", "value", "text"),
    [
        (Failure.NONE, 0, "", "no error"),
        (Failure.UNKNOWN_ERROR, 1, "UnknownError", "unknown error"),
        (Failure.RUNTIME_ERROR, 2, "RuntimeError", "runtime error"),
        (Failure.READ_ERROR, 3, "ReadError", "read error"),
        (Failure.WRITE_ERROR, 4, "WriteError", "write error"),
        (Failure.CANNOT_RESOLVE, 5, "CannotResolve", "cannot resolve"),
        (Failure.CONNECTION_CANCELED, 6, "ConnectionCanceled", "connection canceled"),
        (Failure.CONNECTION_RESET, 7, "ConnectionReset", "connection reset"),
        (Failure.CONNECTION_REFUSED, 8, "ConnectionRefused", "connection refused"),
        (Failure.CONNECTION_TIMEOUT, 9, "ConnectionTimeout", "connection timeout"),
        (Failure.READ_TIMEOUT, 10, "ReadTimeout", "read timeout"),
        (Failure.WRITE_TIMEOUT, 11, "WriteTimeout", "write timeout"),
        (Failure.UNAUTHORIZED, 12, "Unauthorized", "unauthorized"),
        (Failure.BUFFER_OVERFLOW, 13, "BufferOverflow", "buffer overflow"),
    ],
)
def test_failures_are_numbered_and_worded_as_the_specification_has_it(failure, number, value, text):
    assert (failure.code, failure.value, failure.text) == (number, value, text)


SAMPLES = [
    Data(b"a"),
    Data(b"b"),
    FLUSH,
    MessageStart(),
    MessageStart(Head({"a": 1})),
    END,
    EOS,
    StreamEnd(Failure.READ_ERROR),
    Message(),
    Message(Head({"a": 1}), Data(b"a")),
]


@pytest.mark.parametrize("one", SAMPLES, ids=repr)
def test_events_are_equal_by_content_and_distinct_as_keys(one):
    assert [other for other in SAMPLES if other == one] == [one]
    assert one != "something else"
    assert len({one, one}) == 1


def test_equal_events_are_not_the_same_key():
    assert len({Data(b"a"), Data(b"a")}) == 2
    assert len({MessageEnd(), MessageEnd()}) == 2


@pytest.mark.parametrize(
    ("event", "shown"),
    [
        (Data(b"a"), "Data(b'a')"),
        (MessageStart(Head({"a": 1})), "MessageStart(head=Head({'a': 1}))"),
        (END, "MessageEnd()"),
        (StreamEnd(Failure.READ_ERROR), "StreamEnd(Failure.READ_ERROR)"),
        (Message(None, Data(b"a")), "Message(None, Data(b'a'))"),
    ],
)
def test_how_they_show_themselves(event, shown):
    assert repr(event) == shown


@pytest.mark.parametrize(
    ("message", "events"),
    [
        (Message(), [MessageStart(), END]),
        (Message(None, Data()), [MessageStart(), Data(), END]),
        (Message(Head({"a": 1}), Data(b"b")), [MessageStart(Head({"a": 1})), Data(b"b"), END]),
    ],
)
def test_what_a_message_stands_for(message, events):
    assert message.events() == events


class TestHead:
    class Late(Head):
        __slots__ = ("times",)

        def __init__(self):
            super().__init__()
            self.times = 0

        def _decode(self):
            self.times += 1
            return {"path": "/"}

    def test_it_is_decoded_once_when_somebody_looks(self):
        head = self.Late()
        assert head.times == 0
        assert head.get("path") == "/"
        assert head.get("method", "GET") == "GET"
        assert head.times == 1

    def test_a_replaced_one_is_never_decoded(self):
        head = self.Late()
        head.replace({"path": "/new"})
        assert head.fields == {"path": "/new"}
        assert head.times == 0

    def test_an_empty_one_has_no_fields(self):
        assert Head().fields == {}


def test_the_isolate_is_told_when_an_object_is_no_longer_held():
    released = []
    held = ScriptObject(7, released)
    assert released == []
    del held
    assert released == [7]


def test_a_head_derived_from_another_is_of_its_kind_and_leaves_it_alone():
    class Received(Head):
        __slots__ = ("wire",)

    head = Received({"status": 200, "headers": {"a": "1"}})
    head.wire = b"wire"
    head.script = ScriptObject(7, [])
    twin = head.derived({"status": 201, "headers": {}})
    assert type(twin) is Received
    assert (twin.wire, twin.script, twin.fields) == (b"wire", None, {"status": 201, "headers": {}})
    assert (head.script.number, head.fields) == (7, {"status": 200, "headers": {"a": "1"}})


@pytest.mark.parametrize(
    ("fields", "outgoing"),
    [
        ({"headers": {"a": "1", "b": "2"}}, {"headers": {"b": "2"}}),
        ({"headers": {"a": "other", "b": "2"}}, {"headers": {"a": "other", "b": "2"}}),
        ({"status": 200, "headers": {}}, {"status": 200, "headers": {}}),
        ({"headers": None}, {"headers": None}),
        ({}, {}),
    ],
)
def test_what_is_outdated_is_not_sent(fields, outgoing):
    twin = Head().derived(fields, {"a": "1"})
    assert twin.fields == fields
    assert twin.outgoing() == outgoing
    assert Head(fields).outgoing() == fields


def test_the_tail_of_a_message():
    tail = Head({"headers": {"a": "1"}})
    assert END.tail is None
    assert MessageEnd(tail) == MessageEnd(Head({"headers": {"a": "1"}}))
    assert MessageEnd(tail) != END
    assert repr(MessageEnd(tail)) == "MessageEnd(Head({'headers': {'a': '1'}}))"


def test_a_copy_of_a_head_has_its_own_fate():
    head = Head({"path": "/", "headers": {}})
    head.script = ScriptObject(7, [])
    copy = head.copy()
    assert (copy, copy.script) == (head, None)
    copy.replace({"path": "/changed"})
    assert head.fields["path"] == "/"
