"""What values of a script stand for; the filters that use it are tested with every kind (tests/pipy_plugins/test_replace.py)."""

from hypothesis import given
from hypothesis import strategies as st

from pipy_core.context import UNDEFINED
from pipy_core.events import END, Data, Message
from pipy_core.kit.results import expand

VALID = st.sampled_from([None, UNDEFINED, Data(b"a"), END, Message(None, Data(b"b"))])
INVALID = st.sampled_from(["text", 1, True, [Data(b"a")], {}])


@given(valid=st.lists(VALID), rest=st.lists(VALID), invalid=INVALID)
def test_an_array_is_its_elements_up_to_the_first_invalid_one(valid, rest, invalid):
    expected = [event for value in valid for event in expand(value)[0]]
    assert expand(valid) == (expected, True)
    assert expand([*valid, invalid, *rest]) == (expected, False)


def test_the_array_itself_is_left_alone():
    array = [Data(b"a"), END]
    expand(array)[0].clear()
    assert len(array) == 2
