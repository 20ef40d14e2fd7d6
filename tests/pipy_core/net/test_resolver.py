"""Names: how long they are remembered, who waits for what, and what happens when nobody answers."""

import socket

import gevent
import pytest
from greenlet import greenlet
from hypothesis import given
from hypothesis import strategies as st

from pipy_core.net import resolver as module
from pipy_core.net.resolver import MAX_ADDRESSES, MAX_NAMES, MAX_TTL, MIN_TTL, NEGATIVE_TTL, RECHECK, Resolver, in_order
from pipy_core.testing import logged

ONE = (socket.AF_INET, "10.0.0.1", ())
TWO = (socket.AF_INET, "10.0.0.2", ())
SIX = (socket.AF_INET6, "fd00::1", (0, 0))
UNKNOWN = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
NOBODY = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")


class Names:
    """A resolver whose servers the test plays, on a clock of its own."""

    def __init__(self, reactor):
        self.reactor = reactor
        self.time = 1000.0
        self.answer = [ONE], 60.0
        self.asked = []
        self.waits = 0.0
        self.resolver = Resolver(self, self.look_up)
        self.spawn, self.report = reactor.spawn, reactor.report

    def now(self):
        return self.time

    def look_up(self, host):
        self.asked.append(host)
        gevent.sleep(self.waits)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def ask(self, host="name.test"):
        return [address for _family, (address, *_rest) in self.resolver.addresses(host, 80)]


@pytest.fixture
def names(reactor):
    return Names(reactor)


class TestHowLong:
    def test_an_answer_is_used_until_it_is_outdated(self, names):
        assert names.resolver.addresses("name.test", 80) == [(socket.AF_INET, ("10.0.0.1", 80))]
        names.time += 59
        assert names.resolver.addresses("name.test", 443) == [(socket.AF_INET, ("10.0.0.1", 443))]
        assert names.asked == ["name.test"]
        names.answer = [TWO], 60.0
        names.time += 1
        assert names.ask() == ["10.0.0.2"]

    @pytest.mark.parametrize(("ttl", "used"), [(0.0, MIN_TTL), (1e9, MAX_TTL)])
    def test_there_are_bounds_to_that(self, names, ttl, used):
        names.answer = [ONE], ttl
        names.ask()
        names.time += used - 0.1
        names.ask()
        assert len(names.asked) == 1
        names.time += 0.2
        names.ask()
        assert len(names.asked) == 2

    @pytest.mark.parametrize("answer", [UNKNOWN, ([], 60.0)], ids=["an-error", "no-address"])
    def test_that_there_is_no_such_name_is_remembered_for_a_short_time(self, names, answer):
        names.answer = answer
        for _ in range(2):
            with pytest.raises(socket.gaierror, match="Name or service not known"):
                names.ask()
        assert len(names.asked) == 1
        names.answer = [ONE], 60.0
        names.time += NEGATIVE_TTL
        assert names.ask() == ["10.0.0.1"]

    def test_that_nobody_answers_is_not_remembered(self, names):
        names.answer = NOBODY
        for _ in range(2):
            with pytest.raises(socket.gaierror, match="Temporary failure"):
                names.ask()
        assert len(names.asked) == 2
        assert len(names.resolver) == 0

    def test_only_so_many_names_are_remembered(self, names):
        for number in range(MAX_NAMES):
            names.ask(f"{number}.test")
        names.ask("0.test")  # used: not the oldest one any more
        names.ask("another.test")
        assert len(names.resolver) == MAX_NAMES
        names.asked.clear()
        names.ask("0.test")
        names.ask("1.test")
        assert names.asked == ["1.test"]

    def test_only_so_many_addresses_are_looked_at(self, names):
        names.answer = [(socket.AF_INET, f"10.0.1.{number}", ()) for number in range(200)], 60.0
        assert len(names.ask()) == MAX_ADDRESSES


class TestNobodyAnswers:
    def test_what_was_known_goes_on_to_be_used(self, names):
        names.ask()
        names.answer = NOBODY
        names.time += 61
        with logged() as lines:
            assert names.ask() == names.ask() == ["10.0.0.1"]
        assert lines == ["[WRN] [dns] name.test: Temporary failure in name resolution; going on with the addresses of before"]
        assert len(names.asked) == 2
        names.answer = [TWO], 60.0
        names.time += RECHECK
        assert names.ask() == ["10.0.0.2"]

    def test_not_for_ever(self, names, monkeypatch):
        monkeypatch.setattr(module, "STALE_LIMIT", 100.0)
        names.ask()
        names.answer = NOBODY
        with logged():
            for _ in range(4):  # using it does not make it any newer
                names.time += 40
                names.ask()
        names.time += 40
        with pytest.raises(socket.gaierror):
            names.ask()

    def test_that_a_name_is_gone_is_an_answer(self, names):
        names.ask()
        names.answer = UNKNOWN
        names.time += 61
        with pytest.raises(socket.gaierror, match="not known"):
            names.ask()


class TestTogether:
    def test_all_who_need_a_name_wait_for_one_question(self, names):
        names.waits = 0.01
        found = []
        gevent.joinall([gevent.spawn(lambda: found.append(names.ask())) for _ in range(5)])
        assert found == [["10.0.0.1"]] * 5
        assert names.asked == ["name.test"]

    def test_who_leaves_takes_nobody_along(self, names, reactor):
        names.waits = 0.01
        found = []
        first = greenlet(names.ask, reactor.hub)
        reactor.loop.run_callback(first.switch)
        gevent.sleep(0)
        reactor.loop.run_callback(first.throw)
        found.append(names.ask())
        assert found == [["10.0.0.1"]]
        assert first.dead
        assert names.asked == ["name.test"]

    def test_a_bug_in_the_lookup_is_reported_and_strands_nobody(self, names, reactor):
        names.answer = ZeroDivisionError("a bug")
        with pytest.raises(socket.gaierror, match="a bug"):
            names.ask()
        assert [(where, str(error)) for where, error in reactor.reports] == [("resolver", "a bug")]
        reactor.reports.clear()


class TestOrder:
    def test_each_time_another_one_is_the_first(self, names):
        names.answer = [ONE, TWO], 60.0
        assert [names.ask()[0] for _ in range(4)] == ["10.0.0.1", "10.0.0.2"] * 2

    def test_families_take_turns(self):
        four, five = (socket.AF_INET6, "fd00::2", (0, 0)), (socket.AF_INET6, "fd00::3", (0, 0))
        assert in_order([SIX, four, five, ONE], 0) == [SIX, ONE, four, five]
        assert in_order([ONE, TWO, SIX], 1) == [TWO, SIX, ONE]

    @given(st.lists(st.sampled_from([ONE, TWO, SIX]), min_size=1), st.integers(0, 1000))
    def test_nothing_is_lost_and_the_best_family_is_first(self, found, turn):
        ordered = in_order(found, turn)
        assert sorted(ordered) == sorted(found)
        assert ordered[0][0] == found[0][0]
