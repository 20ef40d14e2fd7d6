"""throttleMessageRate, throttleDataRate: how much passes when, in which order, and who waits for whom."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_core.api import (
    END,
    EOS,
    UNDEFINED,
    ArgumentError,
    Data,
    Failure,
    Function,
    Identity,
    MessageStart,
    ScriptError,
    StreamEnd,
)
from pipy_core.params import bind
from pipy_core.testing import Tape, declared, logged, merged, throws
from pipy_plugins.replace.data import ReplaceData
from pipy_plugins.throttle import account, data_rate, message_rate
from pipy_plugins.throttle.account import Account, Accounts
from pipy_plugins.throttle.data_rate import ThrottleDataRate
from pipy_plugins.throttle.message_rate import ThrottleMessageRate
from tests.strategies import streams

START = MessageStart()
KIB = 1024


class TestMessageRate:
    def test_a_story(self):
        tape = Tape(ThrottleMessageRate, 2, UNDEFINED)
        tape.play(START, Data(b"1"), END, START, END, START, Data(b"3"), END, EOS).expect()
        tape.advance(0.9).expect()
        tape.advance(0.1).expect(START, Data(b"1"), END, START, END)
        tape.advance(1).expect(START, Data(b"3"), END, EOS)

    def test_only_starts_cost(self):
        tape = Tape(ThrottleMessageRate, 1, UNDEFINED)
        tape.play(Data(b"a"), END, EOS).expect(Data(b"a"), END, EOS)

    def test_idle_time_is_saved_up_to_the_quota(self):
        tape = Tape(ThrottleMessageRate, 2, UNDEFINED)
        tape.play(Data(b"opens the account")).anything()
        tape.advance(100).expect()
        tape.play(*[START, END] * 4).expect(START, END, START, END)

    def test_a_fraction_is_a_message_now_and_then(self):
        tape = Tape(ThrottleMessageRate, 0.5, UNDEFINED)
        tape.play(START, END, START, END).expect()
        tape.advance(1).expect()
        tape.advance(1).expect(START, END)
        tape.advance(1).expect()
        tape.advance(1).expect(START, END)


class TestDataRate:
    def test_a_story(self):
        tape = Tape(ThrottleDataRate, 4, UNDEFINED)
        tape.play(Data(b"abcdef"), Data(b"ghij"), EOS).expect()
        tape.advance(1).expect(Data(b"abcd"))
        tape.advance(1).expect(Data(b"ef"), Data(b"gh"))
        tape.advance(1).expect(Data(b"ij"), EOS)

    def test_what_is_left_of_a_tick_is_used(self):
        tape = Tape(ThrottleDataRate, 4, UNDEFINED)
        tape.play(Data(b"ab")).expect()
        tape.advance(1).expect(Data(b"ab"))
        tape.play(Data(b"cdef")).expect(Data(b"cd"))
        tape.advance(1).expect(Data(b"ef"))

    def test_the_reader_waits_while_much_is_held_back(self):
        tape = Tape(ThrottleDataRate, 10 * KIB, UNDEFINED)
        tape.play(Data(bytes(60 * KIB))).expect()
        assert not tape.held
        tape.play(Data(bytes(10 * KIB))).expect()
        assert tape.held
        tape.advance(1).expect(Data(bytes(10 * KIB)))
        assert not tape.held

    def test_a_closed_stream_holds_nobody(self):
        tape = Tape(ThrottleDataRate, 1, UNDEFINED)
        tape.play(Data(bytes(70 * KIB))).expect()
        assert tape.held
        tape.close().expect()
        assert not tape.held

    def test_the_buffer_has_a_limit(self):
        tape = Tape(ThrottleDataRate, 1, UNDEFINED)
        with logged() as lines:
            tape.play(*[Data(bytes(KIB * KIB))] * 17).expect(StreamEnd(Failure.BUFFER_OVERFLOW))
        assert lines == ["[ERR] [throttle] more than 16 MiB wait for their turn"]
        assert not tape.held
        tape.play(Data(b"late"), EOS).expect()
        tape.advance(5).expect()

    @given(events=streams(ended=True), quota=st.sampled_from([1, 3, 7, 1000]))
    def test_nothing_is_lost_and_order_is_kept(self, events, quota):
        tape = Tape(ThrottleDataRate, quota, UNDEFINED)
        output = tape.play(*events).events + tape.advance(200).events
        assert merged(output) == merged(events)


class TestAccounts:
    def test_streams_of_one_account_are_served_in_the_order_they_came(self):
        one = Tape(ThrottleMessageRate, 1, UNDEFINED)
        two, three = one.again(), one.again()
        for tape in (one, two, three):
            tape.play(START, END).expect()
        one.advance(1).expect(START, END)
        two.play().expect()
        two.advance(1).expect(START, END)
        three.advance(1).expect(START, END)

    def test_a_stream_that_closes_strands_nobody(self):
        one = Tape(ThrottleMessageRate, 1, UNDEFINED)
        two = one.again()
        one.play(START, END).expect()
        two.play(START, END).expect()
        one.close().expect()
        two.advance(1).expect(START, END)

    def test_a_stream_that_fails_keeps_nobody_from_their_turn(self):
        one = Tape([(ThrottleDataRate, 2, UNDEFINED), (ReplaceData, lambda data: throws()() if data.payload == b"x" else data)])
        two = one.again()
        one.play(Data(b"x"), Data(b"x")).expect()
        two.play(Data(b"y")).expect()
        one.advance(1).fails(ScriptError).expect(StreamEnd(Failure.RUNTIME_ERROR))
        two.advance(1).expect(Data(b"y"))

    def test_tokens_of_a_tick_are_for_those_who_waited(self):
        one = Tape(ThrottleMessageRate, 1, UNDEFINED)
        two = one.again()
        one.play(START).expect()
        one.world._time += 1  # the tick has come; its timer has not
        two.play(START).expect()
        one.play().expect(START)
        two.advance(1).expect(START)

    def test_accounts_by_function(self):
        one = Tape(ThrottleMessageRate, 1, lambda: one.world.current["who"], variables={"who": "a"})
        two, three = one.again({"who": "b"}), one.again({"who": "a"})
        for tape in (one, two, three):
            tape.play(START).expect()
        one.advance(1).expect(START)
        two.play().expect(START)
        three.play().expect()

    def test_each_definition_has_its_own(self):
        one = Tape(ThrottleMessageRate, 1, UNDEFINED)
        two = Tape(ThrottleMessageRate, 1, UNDEFINED, world=one.world)
        one.play(START).expect()
        two.play(START).expect()
        one.advance(1).expect(START)
        two.play().expect(START)

    def test_quota_and_account_are_asked_for_once(self):
        asked = []
        tape = Tape(ThrottleMessageRate, lambda: (asked.append("quota"), 5)[1], lambda: asked.append("account"))
        tape.play(START, END, START, END).expect()
        assert asked == ["quota", "account"]

    def test_the_latest_quota_counts(self):
        quotas = iter([1, "1k"])
        one = Tape(ThrottleDataRate, lambda: next(quotas), UNDEFINED)
        two = one.again()
        one.play(Data(b"abc")).expect()
        two.play(Data(b"def")).expect()
        one.advance(1).expect(Data(b"abc"))
        two.play().expect(Data(b"def"))

    @pytest.mark.parametrize("quota", [True, None, UNDEFINED, "many", Identity(1)])
    def test_an_invalid_quota_stalls(self, quota):
        tape = Tape(ThrottleMessageRate, lambda: quota, UNDEFINED)
        with logged() as lines:
            tape.play(START).expect()
            tape.advance(10).expect()
        assert lines == ["[ERR] [throttle] invalid quota"]

    @pytest.mark.parametrize("quota", [0, -1, float("nan")])
    def test_no_quota_stalls(self, quota):
        tape = Tape(ThrottleMessageRate, quota, UNDEFINED)
        tape.play(START).expect()
        tape.advance(10).expect()

    @pytest.mark.parametrize("args", [(throws(), UNDEFINED), (1, throws())])
    def test_an_exception_ends_the_stream(self, args):
        tape = Tape(ThrottleMessageRate, *args)
        tape.play(START).fails(ScriptError).expect(StreamEnd(Failure.RUNTIME_ERROR))
        tape.close().expect()


class TestTable:
    @pytest.mark.parametrize(
        ("one", "other", "same"),
        [
            ("a", "a", True),
            (1, 1.0, True),
            (1, True, False),
            ("1", 1, False),
            (None, UNDEFINED, False),
            (Identity(1), Identity(1), True),
            (Identity(1), Identity(2), False),
            (Data(b"a"), Data(b"a"), False),
        ],
    )
    def test_keys(self, one, other, same):
        accounts = Accounts()
        assert (accounts.open(one, 0) is accounts.open(other, 0)) is same

    def test_no_array_is_another(self):
        accounts, array = Accounts(), [1]
        assert accounts.open(array, 0) is not accounts.open(array, 0)

    def test_unused_accounts_are_forgotten_oldest_first(self, monkeypatch):
        monkeypatch.setattr(account, "MOST_ACCOUNTS", 2)
        accounts = Accounts()
        used = accounts.open("used", 0)
        accounts.open("idle", 0).users -= 1
        accounts.open("new", 0)
        assert len(accounts) == 2
        assert accounts.open("used", 0) is used
        accounts.open("one more", 0)
        accounts.open("and more", 0)
        assert len(accounts) == 4, "accounts in use are kept"

    @given(quota=st.floats(0.1, 1000), steps=st.lists(st.tuples(st.floats(0, 5), st.integers(0, 2000)), max_size=20))
    def test_never_more_than_the_quota_a_second(self, quota, steps):
        bucket = Account(0.0, 0.0)
        bucket.quota = quota
        now, taken = 0.0, 0
        for pause, wanted in steps:
            now += pause
            bucket.refill(now)
            taken += bucket.take(wanted)
            assert taken <= quota * int(now) + 1e-6
            assert 0 <= bucket.tokens < max(2 * quota, 1 + quota)


@pytest.mark.parametrize(("plugin", "name"), [(message_rate, "throttleMessageRate"), (data_rate, "throttleDataRate")])
@pytest.mark.parametrize(("args", "bound"), [([5], [5, UNDEFINED]), (["10k", "x"], [10240, "x"]), ([0.5], [0.5, UNDEFINED])])
def test_forms_of_a_call(plugin, name, args, bound):
    assert bind(declared(plugin, name).forms, args) == bound


def test_functions_are_taken_as_they_are():
    function = Function(1)
    assert bind(declared(data_rate, "throttleDataRate").forms, [function, function]) == [function, function]


@pytest.mark.parametrize(
    ("args", "message"), [([], "requires 1"), ([True], "expects a number or a size"), (["k"], "expects a size")]
)
def test_wrong_arguments(args, message):
    with pytest.raises(ArgumentError, match=message):
        bind(declared(data_rate, "throttleDataRate").forms, args)
