"""Back-pressure of filters: whoever feeds one that holds too much waits. Most never do: a valve is made when it is needed first."""

from typing import Any, Protocol, TypeVar


class Valve(Protocol):
    """See ``filter.Valve``."""

    closed: bool

    def open(self) -> None:
        """See there."""

    def close(self) -> None:
        """See there."""


class Host(Protocol):
    """What a pipeline lends for it: see ``filter.Host``."""

    def hold(self, valve: Any) -> None:
        """See there."""

    def new_valve(self) -> Any:
        """See there."""


_V = TypeVar("_V", bound=Valve)


def press(host: Host, valve: _V | None) -> _V:
    """Make the reader of this turn wait until the valve is relieved. Gives the valve to be kept: *valve*, or a new one if None."""
    pressed: _V = host.new_valve() if valve is None else valve
    pressed.close()
    host.hold(pressed)
    return pressed


def relieve(valve: Valve | None) -> None:
    """Let all go on that wait for *valve*, if there is one and it is closed."""
    if valve is not None and valve.closed:
        valve.open()
