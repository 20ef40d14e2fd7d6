"""V8 itself."""

from pipy_core.script.v8.binding import initialize, v8_version


def test_v8_is_started_once():
    assert initialize() is initialize()


def test_the_version_of_v8_is_known():
    assert v8_version().split(".")[0].isdigit()
