"""circuitBreaker: who is refused, how, and what is kept of all that."""

import pytest

from pipy_core.events import END, EOS, Data, Failure, Head, MessageStart, StreamEnd
from pipy_core.testing import Tape, check_filter, logged, target
from pipy_plugins.resilience import circuit as module
from pipy_plugins.resilience.breaker import Terms
from pipy_plugins.resilience.circuit import CircuitBreaker, Circuits, standing
from pipy_plugins.resilience.figures import OPENINGS, REFUSALS

REQUEST = MessageStart(Head({"method": "GET"}))
OK = MessageStart(Head({"status": 200}))
ERROR = MessageStart(Head({"status": 500}))
SETTINGS = {"failures": 2, "openFor": 10.0, "halfOpen": 1, "maxRequests": 0, "name": ""}


def tape_of(key="k", **given):
    return Tape(CircuitBreaker, target("t"), key, {**SETTINGS, **given})


def answered(tape, *answer):
    """A stream that is answered like this; gives what came out."""
    stream = tape.again()
    played = stream.play(REQUEST, END)
    if played.events:
        return played.events
    with logged():
        events = stream.children("t")[-1].reply(*answer).events
    stream.close().expect()
    return events


def statuses(events):
    return [event.head.fields["status"] for event in events if isinstance(event, MessageStart)]


def test_after_failures_in_a_row_nothing_is_tried_for_a_while():
    tape = tape_of(name="circuit-1")
    for _ in range(2):
        assert answered(tape, ERROR, END) == [ERROR, END]
    start, end = answered(tape)
    assert (start.head.fields, end) == ({"status": 503, "headers": {"retry-after": "10"}}, END)
    tape.advance(9.5).expect()
    assert answered(tape)[0].head.fields["headers"] == {"retry-after": "1"}
    book = tape.world.book
    assert book.counter(OPENINGS).values == {("circuit-1",): 1}
    assert book.counter(REFUSALS).values == {("circuit-1", "open"): 2}
    tape.advance(0.5).expect()
    assert statuses(answered(tape, OK, END)) == statuses(answered(tape, OK, END)) == [200]


def test_the_log_says_why():
    tape = tape_of(failures=1, name="api")
    tape.play(REQUEST, END).expect()
    with logged() as lines:
        tape.child("t").reply(ERROR, END).anything()
    assert lines == ["[WRN] [circuitBreaker] api of k is open: status 500"]


def test_keys_have_a_circuit_each():
    keys = iter(["a", "a", "b", "a"])
    tape = tape_of(lambda: next(keys))
    seen = [statuses(answered(tape, ERROR, END)) for _ in range(4)]
    assert seen == [[500], [500], [500], [503]]


def test_while_it_is_half_open_only_a_few_are_let_through():
    tape = tape_of()
    for _ in range(2):
        answered(tape, ERROR, END)
    tape.advance(10).expect()
    probe = tape.again()
    probe.play(REQUEST, END).expect()
    assert statuses(answered(tape)) == [503]
    probe.close().expect()  # its client has left: the next one may try
    assert statuses(answered(tape, ERROR, END)) == [500]
    assert statuses(answered(tape)) == [503]


def test_so_many_at_the_same_time():
    tape = tape_of(maxRequests=1, name="circuit-2")
    tape.play(REQUEST, END).expect()
    assert statuses(answered(tape)) == [503]
    assert tape.world.book.counter(REFUSALS).values == {("circuit-2", "full"): 1}
    tape.child("t").reply(OK, Data(b"a part of it")).expect(OK, Data(b"a part of it"))
    assert statuses(answered(tape)) == [503]
    tape.child("t").reply(END).expect(END)
    tape.close().expect()
    assert statuses(answered(tape, OK, END)) == [200]


def test_bytes_without_messages():
    tape = tape_of(failures=1)
    tape.play(Data(b"x")).expect()
    with logged():
        tape.child("t").reply(StreamEnd(Failure.CONNECTION_REFUSED)).anything()
    following = tape.again()
    following.play(Data(b"x")).expect(StreamEnd(Failure.CONNECTION_REFUSED))
    following.play(Data(b"y"), EOS).expect()


def test_a_stream_that_is_nothing():
    tape_of().play(EOS).expect(EOS)


class TestWhatIsKept:
    def test_nothing_of_those_that_work(self):
        circuits = Circuits("", Terms(2, 10.0, 1, 0))
        circuit = circuits.find("a")
        circuit.enter(0.0)
        circuit.settle(circuit.epoch, True, 0.0)
        circuits.leave("a", circuit)
        assert len(circuits) == 0

    def test_there_is_an_end_to_it(self, monkeypatch):
        monkeypatch.setattr(module, "MOST_CIRCUITS", 3)
        circuits = Circuits("", Terms(2, 10.0, 1, 0))
        busy = circuits.find("busy")
        busy.enter(0.0)
        for number in range(10):
            circuit = circuits.find(number)
            circuit.enter(0.0)
            circuit.settle(circuit.epoch, False, 0.0)
            circuits.leave(number, circuit)
        assert len(circuits) == 3
        assert circuits.find("busy") is busy

    def test_metrics_show_those_that_are_not_closed(self):
        circuits = Circuits("circuit-3", Terms(1, 10.0, 1, 0))
        for key in ("a", "b"):
            circuit = circuits.find(key)
            circuit.enter(0.0)
            circuit.settle(circuit.epoch, key == "a", 0.0)
            circuits.leave(key, circuit)
        mine = [(labels, value) for _, labels, value in standing()[0].samples if labels[0][1] == "circuit-3"]
        assert mine == [((("name", "circuit-3"), ("key", "b")), 2.0)]


def test_an_error_of_the_script_is_not_the_servers():
    tape = tape_of(failures=1)
    assert answered(tape, StreamEnd(Failure.RUNTIME_ERROR)) == [StreamEnd(Failure.RUNTIME_ERROR)]
    assert statuses(answered(tape, OK, END)) == [200]


def test_keeps_the_contract():
    check_filter((CircuitBreaker, target("t", []), "k", SETTINGS), [REQUEST, Data(b"ab"), END, EOS])
    with pytest.raises(TypeError):
        CircuitBreaker()
