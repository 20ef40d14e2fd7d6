"""Errors, told apart by whose fault they are."""

import dataclasses

import pytest

from pipy_core import errors
from pipy_core.errors import LoadError, PipyError, Place, ScriptError


def test_all_that_is_raised_on_purpose_has_one_root():
    kinds = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, Exception)]
    assert len(kinds) > 5
    assert all(issubclass(each, PipyError) for each in kinds)


@pytest.mark.parametrize(("message", "text"), [("far out", "RangeError: far out"), ("", "RangeError")])
def test_the_text_of_a_script_error(message, text):
    assert str(ScriptError("RangeError", message)) == text


def test_a_script_error_knows_its_place_and_its_stack():
    error = LoadError("TypeError", "text", Place("/a.js", 1, 2, "line"), "a\nb")
    assert (error.kind, error.message, error.place.line, error.stack) == ("TypeError", "text", 1, "a\nb")
    assert ScriptError("TypeError", "text").place == Place()


def test_places_are_values():
    place = Place("/a.js", 3, 4)
    assert place == Place("/a.js", 3, 4)
    with pytest.raises(dataclasses.FrozenInstanceError):
        place.line = 5  # type: ignore[misc]
