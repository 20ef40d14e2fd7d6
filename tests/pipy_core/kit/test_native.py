"""What a script holds of Python."""

from pipy_core.kit.native import Native


def test_it_weighs_something_and_is_there():
    assert len(Native()) > 0
    assert Native()
