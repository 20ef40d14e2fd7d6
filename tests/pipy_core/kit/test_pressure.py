"""Back-pressure: a valve is made once, and only when somebody has to wait."""

from typing import Any

from pipy_core.kit.pressure import press, relieve
from pipy_core.turn import Valve


class World:
    """A host that remembers what it was asked for."""

    def __init__(self) -> None:
        self.made: list[Valve] = []
        self.held: list[Any] = []

    def new_valve(self) -> Valve:
        self.made.append(Valve())
        return self.made[-1]

    def hold(self, valve: Any) -> None:
        self.held.append(valve)


def test_the_first_pressure_makes_the_valve_and_the_next_uses_it() -> None:
    host = World()
    valve: Valve | None = None
    valve = press(host, valve)
    assert valve.closed
    assert press(host, valve) is valve
    assert host.made == [valve]
    assert host.held == [valve, valve]


def test_relieved_readers_go_on_and_a_later_pressure_holds_again() -> None:
    host, resumed = World(), []
    valve = press(host, None)
    valve.when_open(lambda: resumed.append(1))
    relieve(valve)
    assert resumed == [1]
    assert not valve.closed
    assert press(host, valve).closed


def test_nothing_to_relieve() -> None:
    relieve(None)
    valve = Valve()
    valve.when_open(lambda: None)
    relieve(valve)  # it is open: whoever waits for the next opening is not called
    assert valve._waiting
