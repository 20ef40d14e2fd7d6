"""``Joint``: what its branch is doing, the filter is doing."""

from pipy_core.events import Data, Event
from pipy_core.filter import ignore
from pipy_core.joint import Joint
from pipy_core.testing.far import Outside


class Through(Joint):
    """Goes through what it is given, from the first event on."""

    def __init__(self, away: Outside) -> None:
        self._away = away

    def process(self, event: Event) -> None:
        self._branch = self._away
        self._branch.feed(event)


def nothing() -> None:
    """There is no turn to be ended."""


def test_before_there_is_a_branch_nothing_goes_on() -> None:
    away = Outside("away", ignore, None, nothing)
    through = Through(away)
    assert not through.busy()
    through.drain()
    through.close()
    assert not away.drained
    assert not away.closed


def test_what_the_branch_is_doing_the_filter_is_doing() -> None:
    away = Outside("away", ignore, None, nothing)
    through = Through(away)
    through.process(Data(b"a"))
    assert through.busy()
    through.drain()
    assert away.drained
    through.close()
    assert away.closed
    assert not through.busy()
