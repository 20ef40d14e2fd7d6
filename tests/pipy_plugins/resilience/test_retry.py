"""retryHTTP: what is sent again, when, how often, and what of all that the client sees."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_core.context import ScriptDict, ScriptList
from pipy_core.errors import ArgumentError
from pipy_core.events import END, EOS, Data, Failure, Head, MessageStart, StreamEnd
from pipy_core.params import bind
from pipy_core.testing import Tape, check_filter, declared, target
from pipy_plugins.resilience import retry as plugin
from pipy_plugins.resilience.figures import RETRIES, RETRIES_DENIED
from pipy_plugins.resilience.retry import KEPT, MAX_UNWANTED, RetryHTTP

OK = MessageStart(Head({"status": 200}))
NOT_FOUND = MessageStart(Head({"status": 404}))
ERROR = MessageStart(Head({"status": 500}))
BUSY = MessageStart(Head({"status": 503}))
BAD_GATEWAY = MessageStart(Head({"status": 502}))
REFUSED = StreamEnd(Failure.CONNECTION_REFUSED)
RESET = StreamEnd(Failure.CONNECTION_RESET)
TIMEOUT = StreamEnd(Failure.READ_TIMEOUT)


def request(method="GET"):
    return MessageStart(Head({"method": method, "path": "/"}))


def settings(**given):
    given = ScriptDict({name: ScriptList(value) if isinstance(value, list) else value for name, value in given.items()})
    return bind(declared(plugin, "retryHTTP").forms, ["t", given])[1]


def tape_of(**given):
    return Tape(RetryHTTP, target("t"), settings(**{"backOff": 0, **given}))


def tries(tape):
    return len(tape.children("t"))


def fail(tape, *events):
    """The newest try comes to nothing, and time passes."""
    tape.children("t")[-1].reply(*events).expect()
    tape.advance(10).expect()


class TestAnswers:
    def test_a_good_answer_passes_as_it_comes(self):
        tape = tape_of()
        tape.play(request(), Data(b"a")).expect()
        tape.child("t").expect(request(), Data(b"a"))
        tape.child("t").reply(OK, Data(b"x")).expect(OK, Data(b"x"))
        tape.play(END).expect()
        tape.child("t").expect(END)
        tape.child("t").reply(END).expect(END)
        assert tries(tape) == 1

    @pytest.mark.parametrize("answer", [[NOT_FOUND, END], [ERROR, Data(b"x"), END], [StreamEnd(Failure.RUNTIME_ERROR)]])
    def test_what_would_be_no_better_the_next_time(self, answer):
        tape = tape_of()
        tape.play(request(), END).expect()
        tape.child("t").reply(*answer).expect(*answer)
        assert tries(tape) == 1

    @pytest.mark.parametrize(
        "answer",
        [
            pytest.param([BUSY, Data(b"x"), END], id="busy"),
            pytest.param([BAD_GATEWAY, REFUSED], id="refused"),
            pytest.param([BAD_GATEWAY, RESET], id="reset"),
            pytest.param([MessageStart(Head({"status": 504})), TIMEOUT], id="timeout"),
            pytest.param([RESET], id="reset-without-a-head"),
            pytest.param([Data(), BUSY, END], id="flush"),
        ],
    )
    def test_the_next_try_is_shown_and_nothing_of_the_first(self, answer):
        tape = tape_of()
        tape.play(request(), Data(b"ab"), Data(b"c"), END).expect()
        fail(tape, *answer)
        assert tape.child("t").closed
        tape.child("t", 1).expect(request(), Data(b"ab"), Data(b"c"), END)
        tape.child("t", 1).reply(OK, END).expect(OK, END)
        assert tries(tape) == 2

    def test_the_last_try_is_shown_as_it_is(self):
        tape = tape_of(attempts=2)
        tape.play(request(), END).expect()
        fail(tape, BUSY, END)
        tape.child("t", 1).reply(BAD_GATEWAY, REFUSED).expect(BAD_GATEWAY, REFUSED)
        assert tries(tape) == 2

    def test_an_answer_that_has_begun_is_not_taken_back(self):
        tape = tape_of()
        tape.play(request(), END).expect()
        tape.child("t").reply(OK, Data(b"half"), RESET).expect(OK, Data(b"half"), RESET)
        assert tries(tape) == 1

    def test_an_unwanted_answer_is_read_to_its_end_unless_it_is_long(self):
        tape = tape_of()
        tape.play(request(), END).expect()
        tape.child("t").reply(BUSY, Data(b"x" * MAX_UNWANTED)).expect()
        tape.advance(10).expect()
        assert not tape.child("t").closed
        fail(tape, Data(b"x"))
        assert tape.child("t").closed
        assert tries(tape) == 2


class TestWhatMayBeRepeated:
    @pytest.mark.parametrize(
        ("method", "again"), [("GET", True), ("PUT", True), ("DELETE", True), ("POST", False), ("PATCH", False)]
    )
    @pytest.mark.parametrize("answer", [[BUSY, END], [BAD_GATEWAY, RESET], [BAD_GATEWAY, TIMEOUT]])
    def test_methods(self, method, again, answer):
        tape = tape_of()
        tape.play(request(method), END).expect()
        tape.child("t").reply(*answer).expect(*([] if again else answer))
        tape.advance(10).expect()
        assert tries(tape) == 1 + again

    @pytest.mark.parametrize("failure", [Failure.CONNECTION_REFUSED, Failure.CANNOT_RESOLVE, Failure.CONNECTION_TIMEOUT])
    def test_what_has_not_arrived_may_always_be(self, failure):
        tape = tape_of()
        tape.play(request("POST"), Data(b"once"), END).expect()
        fail(tape, BAD_GATEWAY, StreamEnd(failure))
        tape.child("t", 1).expect(request("POST"), Data(b"once"), END)

    def test_methods_that_the_script_names(self):
        tape = tape_of(methods=["POST"])
        tape.play(request("POST"), END).expect()
        fail(tape, BUSY, END)
        assert tries(tape) == 2

    @pytest.mark.parametrize(
        ("on", "answer", "again"),
        [
            (["5xx"], [ERROR, END], True),
            ([500], [ERROR, END], True),
            ([404], [NOT_FOUND, END], True),
            ([404], [BUSY, END], False),
            (["reset"], [BUSY, END], False),
            (["reset"], [BAD_GATEWAY, REFUSED], False),
            (["reset"], [BAD_GATEWAY, TIMEOUT], False),
            (["timeout"], [BAD_GATEWAY, TIMEOUT], True),
            (["5xx"], [BAD_GATEWAY, RESET], False),
            ([], [BAD_GATEWAY, REFUSED], False),
        ],
    )
    def test_reasons_that_the_script_names(self, on, answer, again):
        tape = tape_of(on=on)
        tape.play(request(), END).expect()
        tape.child("t").reply(*answer).expect(*([] if again else answer))
        tape.advance(10).expect()
        assert tries(tape) == 1 + again

    def test_a_long_request_has_one_try(self):
        tape = tape_of(bufferLimit=3)
        tape.play(request(), Data(b"abc"), Data(b"d"), END).expect()
        tape.child("t").reply(BUSY, END).expect(BUSY, END)
        assert KEPT == 64 * 1024

    def test_a_tunnel_has_one_try(self):
        tape = tape_of()
        tape.play(request(), END, Data(b"other protocol")).expect()
        tape.child("t").reply(BUSY, END).expect(BUSY, END)

    def test_a_script_that_changes_the_head_has_it_unchanged_the_next_time(self):
        tape = tape_of()
        tape.play(request(), END).expect()
        tape.child("t").fed[0].head.replace({"method": "GET", "path": "/changed"})
        fail(tape, BUSY, END)
        tape.child("t", 1).expect(request(), END)


class TestWhileItIsSent:
    def test_what_comes_later_goes_to_the_newest_try(self):
        tape = tape_of()
        tape.play(request(), Data(b"a")).expect()
        fail(tape, BAD_GATEWAY, REFUSED)
        tape.child("t", 1).expect(request(), Data(b"a"))
        tape.play(Data(b"b"), END).expect()
        tape.child("t", 1).expect(Data(b"b"), END)
        tape.child("t").expect(request(), Data(b"a"))

    def test_a_server_that_refuses_in_the_middle_is_left_at_once(self):
        tape = tape_of()
        tape.play(request("PUT"), Data(b"a")).expect()
        fail(tape, BUSY, Data(b"not now"))
        assert tape.child("t").closed
        tape.child("t", 1).expect(request("PUT"), Data(b"a"))

    def test_who_sends_much_between_two_tries_waits(self):
        tape = tape_of(bufferLimit=3, backOff=1)
        tape.play(request(), Data(b"abc")).expect()
        tape.child("t").reply(BAD_GATEWAY, REFUSED).expect()
        tape.play(Data(b"d")).expect()
        assert tape.held
        tape.advance(10).expect()
        assert not tape.held
        tape.child("t", 1).expect(request(), Data(b"abc"), Data(b"d"))
        tape.child("t", 1).reply(BAD_GATEWAY, REFUSED).expect(BAD_GATEWAY, REFUSED)

    def test_a_client_that_breaks_off_between_two_tries(self):
        tape = tape_of(backOff=1)
        tape.play(request(), Data(b"a")).expect()
        tape.child("t").reply(BAD_GATEWAY, REFUSED).expect()
        tape.play(RESET).expect(RESET)
        tape.advance(10).expect()
        assert tries(tape) == 1

    def test_a_client_that_leaves_ends_it(self):
        tape = tape_of(backOff=1)
        tape.play(request(), END).expect()
        tape.child("t").reply(BUSY, END).expect()
        tape.close().expect()
        tape.advance(10).expect()
        assert tries(tape) == 1


class TestTime:
    def test_a_try_that_takes_too_long(self):
        tape = tape_of(perTryTimeout=2, attempts=2)
        tape.play(request()).expect()
        tape.advance(60).expect()  # the client takes its time
        tape.play(END).expect()
        tape.advance(1.9).expect()
        assert tries(tape) == 1
        tape.advance(0.2).expect()
        assert tries(tape) == 2
        assert tape.child("t").closed
        start, end = tape.advance(2).events
        assert (start.head.fields["status"], end) == (504, END)
        assert tape.child("t", 1).closed

    def test_an_answer_that_has_begun_has_all_the_time(self):
        tape = tape_of(perTryTimeout=2)
        tape.play(request(), END).expect()
        tape.child("t").reply(OK).expect(OK)
        tape.advance(60).expect()
        tape.child("t").reply(END).expect(END)

    def test_an_unwanted_answer_has_not(self):
        tape = tape_of(perTryTimeout=2)
        tape.play(request(), END).expect()
        tape.child("t").reply(BUSY, Data(b"x")).expect()
        tape.advance(2).expect()
        assert tries(tape) == 2

    def test_waits_are_random_and_grow(self, monkeypatch):
        waits = []
        monkeypatch.setattr("random.uniform", lambda low, high: (waits.append((low, high)), high)[1])
        tape = tape_of(attempts=7, backOff=1)
        tape.play(request(), END).expect()
        for _ in range(6):
            fail(tape, BUSY, END)
        assert waits == [(0, 1), (0, 2), (0, 4), (0, 8), (0, 10), (0, 10)]


class TestBudget:
    def test_when_it_is_used_up_there_is_one_try(self):
        tape = tape_of(budget=ScriptDict({"percent": 50, "minPerSecond": 0}), name="budget-test")
        streams = [tape, *(tape.again() for _ in range(3))]
        for stream in streams:
            stream.play(request(), END).expect()
        children = tape.children("t")
        children[0].reply(BUSY, END).expect()
        children[1].reply(BUSY, END).expect()
        streams[2].children("t")[2].reply(BUSY, END).anything()
        assert streams[2]._played().events == []
        book = tape.world.book
        assert book.counter(RETRIES).values == {("budget-test",): 2}
        assert book.counter(RETRIES_DENIED).values == {("budget-test",): 1}
        tape.advance(1).expect()


#: How a try may end: what its server answers, and whether there is to be another one for an idempotent and for another method.
ENDS = [
    ((OK, Data(b"x"), END), False, False),
    ((NOT_FOUND, END), False, False),
    ((ERROR, END), False, False),
    ((BUSY, Data(b"x"), END), True, False),
    ((BAD_GATEWAY, REFUSED), True, True),
    ((BAD_GATEWAY, RESET), True, False),
    ((StreamEnd(Failure.RUNTIME_ERROR),), False, False),
]


@given(
    ends=st.lists(st.sampled_from(ENDS), min_size=5, max_size=5),
    attempts=st.integers(1, 5),
    method=st.sampled_from(["GET", "POST"]),
    arrives=st.lists(st.integers(0, 4), min_size=3, max_size=3),
)
def test_whatever_happens_there_is_one_answer_and_every_server_gets_the_same(ends, attempts, method, arrives):
    tape = tape_of(attempts=attempts, budget=ScriptDict({"percent": 100, "minPerSecond": 1000}))
    rest = [Data(b"a"), Data(b"b"), END]
    tape.play(request(method)).expect()
    made = 0
    for number, (answer, again, always) in enumerate(ends):
        made = number + 1
        while rest and arrives[len(arrives) - len(rest)] <= number:  # a piece of the request comes during this try
            tape.play(rest.pop(0)).expect()
        last = made == attempts or not (again if method == "GET" else always)
        tape.children("t")[-1].reply(*answer).expect(*(answer if last else ()))
        tape.advance(10).expect()
        if last:
            break
    assert tries(tape) == made
    sent = [request(method), Data(b"a"), Data(b"b"), END]
    for child in tape.world.children:
        assert child.fed == sent[: len(child.fed)]
    assert len(tape.world.children[-1].fed) == len(sent) - len(rest)


@pytest.mark.parametrize(
    ("given_", "complaint"),
    [
        ({"on": ["sometimes"]}, "options.on expects"),
        ({"on": [99]}, "options.on expects"),
        ({"on": [True]}, "options.on expects"),
        ({"methods": ["GET", 1]}, "options.methods expects names of methods, not 1"),
        ({"methods": [""]}, "options.methods expects"),
        ({"attempts": 0}, "options.attempts"),
        ({"budget": ScriptDict({"percent": 200})}, "options.budget.percent"),
    ],
)
def test_wrong_options(given_, complaint):
    with pytest.raises(ArgumentError, match=complaint):
        RetryHTTP.prepare(target("t"), settings(**given_))


def test_streams_without_a_request():
    tape = tape_of()
    tape.play(Data(b"x"), EOS).expect(EOS)
    assert tries(tape) == 0


def test_keeps_the_contract():
    check_filter((RetryHTTP, target("t", []), settings()), [request(), Data(b"ab"), END, EOS])
