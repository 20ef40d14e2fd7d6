"""The log of a test: what is kept of one that does not end."""

from pipy_core.logs import get_logger
from pipy_core.trial.capture import LINE_LIMIT, Captured, capture


def test_a_flood_is_counted_and_a_failure_behind_it_still_counts() -> None:
    captured = Captured()
    with capture(captured):
        chatter, script = get_logger(""), get_logger("pjs")
        for _ in range(LINE_LIMIT + 3):
            chatter.info("on and on")
        script.error("it is broken")
    assert captured.dropped == 3
    assert captured.unexpected() == ["[ERR] [pjs] it is broken"]
    assert captured.all()[-1] == "(3 more lines were not kept)"


def test_failures_are_bounded_too() -> None:
    captured = Captured()
    with capture(captured):
        script = get_logger("pjs")
        for _ in range(2 * LINE_LIMIT + 5):
            script.error("it is broken")
    assert (len(captured.lines), captured.dropped) == (2 * LINE_LIMIT, 5)


def test_a_short_log_is_all_there() -> None:
    captured = Captured()
    with capture(captured):
        get_logger("").info("hello")
    assert captured.all() == ["[INF] hello"]
