"""What waits in front of a gate, and who."""

from pipy_core.events import EOS, Data
from pipy_core.kit.body import LIMIT
from pipy_core.kit.gate import ANSWER_LIMIT, HIGH_WATER, Gate
from pipy_core.testing.clock import FakeClock
from pipy_core.turn import Valve


def never():
    raise AssertionError("it has not been waited for that long")


class Lender(FakeClock):
    """What lends valves and timers."""

    def __init__(self):
        super().__init__()
        self.valves = []
        self.held = []
        self.hold = self.held.append

    def new_valve(self):
        self.valves.append(Valve())
        return self.valves[-1]


def test_everything_passes_in_order_once_it_opens():
    gate = Gate(Lender(), never)
    passed = []

    def feed(event):
        passed.append(event)
        if event == Data(b"b"):
            assert gate.keep(Data(b"d"))

    for event in (Data(b"a"), Data(b"b"), Data(b"c")):
        assert gate.keep(event)
    assert passed == []
    gate.open(feed)
    assert passed == [Data(b"a"), Data(b"b"), Data(b"c"), Data(b"d")]


def test_who_sends_too_much_waits_until_it_opens():
    lender = Lender()
    gate = Gate(lender, never)
    gate.keep(Data(bytes(HIGH_WATER // 2)))
    assert lender.held == []
    gate.keep(Data(bytes(HIGH_WATER)))
    gate.keep(Data(b"x"))
    (valve,) = lender.valves
    assert lender.held == [valve, valve]
    assert valve.closed
    gate.open(lambda _event: None)
    assert not valve.closed


def test_or_until_it_never_will():
    lender = Lender()
    gate = Gate(lender, never)
    gate.keep(Data(bytes(HIGH_WATER * 2)))
    gate.forget()
    assert not lender.valves[0].closed
    passed = []
    gate.open(passed.append)
    assert passed == []


def test_there_is_an_end_to_it():
    gate = Gate(Lender(), never)
    assert gate.keep(Data(bytes(LIMIT - 1000)))
    assert not gate.keep(Data(bytes(1000)))
    assert gate.keep(EOS) is False


def test_it_is_not_waited_for_in_vain():
    lender = Lender()
    expired = []
    Gate(lender, lambda: expired.append("closed"))
    opened = Gate(lender, lambda: expired.append("opened"))
    opened.open(lambda _event: None)
    forgotten = Gate(lender, lambda: expired.append("forgotten"))
    forgotten.forget()
    lender.advance(ANSWER_LIMIT)
    assert expired == ["closed"]
