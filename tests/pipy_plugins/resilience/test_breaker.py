"""The circuit breaker as a state machine."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pipy_plugins.resilience.breaker import Breaker, State, Terms

TERMS = Terms(failures=3, open_for=10.0, probes=2, room=4)


def broken(terms=TERMS, now=0.0):
    breaker = Breaker(terms)
    for _ in range(terms.failures):
        assert breaker.enter(now) == 0
        end(breaker, breaker.epoch, False, now)
    assert breaker.state is State.OPEN
    return breaker


def end(breaker, epoch, good, now):
    """It is over as soon as it is settled."""
    opened = breaker.settle(epoch, good, now)
    breaker.leave()
    return opened


def test_failures_in_a_row_open_it():
    breaker = Breaker(TERMS)
    for good in (False, False, True, False, False):
        breaker.enter(0.0)
        assert not end(breaker, breaker.epoch, good, 0.0)
    breaker.enter(0.0)
    assert end(breaker, breaker.epoch, False, 0.0)
    assert breaker.enter(4.0) == 6.0


def test_a_few_are_let_through_and_close_it():
    breaker = broken()
    assert [breaker.enter(10.0) for _ in range(3)] == [0, 0, 1.0]
    epoch = breaker.epoch
    end(breaker, epoch, True, 11.0)
    assert breaker.state is State.HALF_OPEN
    end(breaker, epoch, True, 11.0)
    assert breaker.state is State.CLOSED
    assert breaker.idle


def test_one_of_them_that_fails_opens_it_again():
    breaker = broken()
    breaker.enter(10.0)
    assert end(breaker, breaker.epoch, False, 12.0)
    assert breaker.enter(21.9) > 0
    assert breaker.enter(22.0) == 0


def test_one_of_them_that_nobody_waits_for_makes_room_for_another():
    breaker = broken(TERMS._replace(probes=1))
    breaker.enter(10.0)
    assert breaker.enter(10.0) > 0
    end(breaker, breaker.epoch, None, 10.0)
    assert breaker.enter(10.0) == 0


def test_what_began_before_says_nothing():
    breaker = Breaker(TERMS)
    breaker.enter(0.0)
    slow = breaker.epoch
    for _ in range(3):
        breaker.enter(0.0)
        end(breaker, breaker.epoch, False, 0.0)
    breaker.enter(10.0)
    end(breaker, slow, False, 10.0)
    assert breaker.state is State.HALF_OPEN


def test_there_is_room_for_so_many():
    breaker = Breaker(TERMS)
    assert [breaker.enter(0.0) for _ in range(5)] == [0, 0, 0, 0, 1.0]
    breaker.settle(breaker.epoch, True, 0.0)
    assert breaker.enter(0.0) > 0
    breaker.leave()
    assert breaker.enter(0.0) == 0


class Machine(RuleBasedStateMachine):
    """Whatever happens: bounded, never stuck, and open for as long as it says."""

    def __init__(self):
        super().__init__()
        self.breaker = Breaker(TERMS)
        self.now = 0.0
        self.under_way = []  # the epochs of those that are not settled
        self.settled = 0
        self.opened = None

    @rule()
    def enter(self):
        open_before = self.breaker.state is State.OPEN
        wait = self.breaker.enter(self.now)
        if wait == 0:
            self.under_way.append(self.breaker.epoch)
            if open_before:
                assert self.now >= self.opened + TERMS.open_for
        else:
            assert wait > 0

    @precondition(lambda self: self.under_way)
    @rule(which=st.integers(0, 10), good=st.sampled_from([True, False, None]))
    def settle(self, which, good):
        epoch = self.under_way.pop(which % len(self.under_way))
        self.settled += 1
        if self.breaker.settle(epoch, good, self.now):
            assert good is False
            self.opened = self.now

    @precondition(lambda self: self.settled)
    @rule()
    def leave(self):
        self.settled -= 1
        self.breaker.leave()

    @rule(seconds=st.floats(0.1, 20))
    def wait(self, seconds):
        self.now += seconds

    @invariant()
    def counts(self):
        breaker = self.breaker
        assert breaker.active == len(self.under_way) + self.settled <= TERMS.room
        if breaker.state is State.HALF_OPEN:
            assert self.under_way.count(breaker.epoch) <= TERMS.probes
        if breaker.active == 0:  # nobody is locked out for ever
            assert Breaker.enter(self.copy(), self.now + TERMS.open_for) == 0

    def copy(self):
        copy = Breaker(TERMS)
        for name in Breaker.__slots__:
            setattr(copy, name, getattr(self.breaker, name))
        return copy


Machine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestMachine = Machine.TestCase
