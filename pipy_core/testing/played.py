"""``Played``: what came out, to be asserted."""

from typing import Protocol, Self

from pipy_core.events import Event


class Forgetful(Protocol):
    """A tape: it fails if somebody has dropped what came out of it.

    :ivar forgotten: somebody has.
    """

    forgotten: bool


class Played:
    """What came out of a tape since the last time. It must be asserted; if it is dropped unasserted, the test fails.

    The failure shows at the next use of the tape, or, at the end of a test, as an exception in ``__del__``, which pytest reports.
    """

    def __init__(self, tape: Forgetful, events: list[Event], reports: list[BaseException]) -> None:
        self._tape = tape
        self._events = events
        self._reports = reports
        self._asserted = False

    @property
    def events(self) -> list[Event]:
        """The events, for tests that look for themselves. Raises the error that a filter has raised, if any."""
        self._asserted = True
        if self._reports:
            raise self._reports[0]
        return self._events

    def anything(self) -> None:
        """It does not matter what came out, as long as no filter raised an error."""
        self.events  # noqa: B018  # raises it

    def expect(self, *events: Event) -> None:
        """Exactly *events* came out, and no filter raised an error (but those named with ``fails``)."""
        actual = self.events
        assert actual == list(events), f"\ncame out: {actual}\nexpected: {list(events)}"

    def fails(self, kind: type[BaseException]) -> Self:
        """A filter raised an error of this *kind*, which was reported and ended its stream. To be followed by ``expect``."""
        self._asserted = True
        assert self._reports, f"no {kind.__name__} was reported"
        error = self._reports.pop(0)
        assert isinstance(error, kind), f"{error!r} was reported, not a {kind.__name__}"
        self._asserted = False
        return self

    def __del__(self) -> None:
        if not self._asserted:
            self._tape.forgotten = True
            raise AssertionError(f"nobody asserted what came out: {self._events} {self._reports}")
