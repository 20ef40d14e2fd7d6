"""Declarations of parameters: what is accepted, how it arrives, and what users read when it is not."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_core.context import UNDEFINED, Function, Identity, ScriptDict, ScriptList
from pipy_core.errors import ArgumentError
from pipy_core.events import END, Data, Message, MessageStart
from pipy_core.kinds import (
    ANY,
    ARRAY,
    BOOLEAN,
    DATA,
    DURATION,
    EVENT,
    FUNCTION,
    MESSAGE,
    NUMBER,
    OBJECT,
    PIPELINE,
    SIZE,
    STRING,
    Number,
    OneOf,
    absent,
    describe,
    dynamic,
)
from pipy_core.params import REQUIRED, Options, Param, bind, options

FUNC = Function(1)
OBJ = ScriptDict(a=1)
ARR = ScriptList([1])
VALUES = ["text", 1, 1.5, True, FUNC, OBJ, ARR, Data(b"a"), Message(), END, Identity(1)]


@pytest.mark.parametrize(
    ("kind", "accepted"),
    [
        (STRING, ["text"]),
        (NUMBER, [1, 1.5]),
        (BOOLEAN, [True]),
        (FUNCTION, [FUNC]),
        (OBJECT, [OBJ]),
        (ARRAY, [ARR]),
        (DATA, [Data(b"a")]),
        (MESSAGE, [Message()]),
        (EVENT, [Data(b"a"), Message(), END]),
        (DURATION, ["text", 1, 1.5]),
        (SIZE, ["text", 1, 1.5]),
        (PIPELINE, ["text"]),
        (ANY, VALUES),
        (dynamic(NUMBER), [1, 1.5, FUNC]),
        (OneOf((STRING, BOOLEAN)), ["text", True]),
    ],
)
def test_kinds_accept_their_own(kind, accepted):
    assert list(map(repr, filter(kind.accepts, VALUES))) == list(map(repr, accepted))  # by what they show: 1 equals True


@pytest.mark.parametrize(
    ("kind", "value", "given_to_filter"),
    [
        (DURATION, "1.5m", 90.0),
        (DURATION, 5, 5.0),
        (SIZE, "2k", 2048),
        (SIZE, 5.9, 5),
        (Number(0, 1), 1, 1),
        (dynamic(SIZE), "1k", 1024),
        (dynamic(SIZE), FUNC, FUNC),
    ],
)
def test_values_arrive_as_the_filter_wants_them(kind, value, given_to_filter):
    assert kind.check(value) == given_to_filter


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        (STRING, 5, "expects a string, given the number 5"),
        (NUMBER, "5", "expects a number, given the string '5'"),
        (NUMBER, True, "expects a number, given true"),
        (FUNCTION, OBJ, "expects a function, given an object"),
        (OBJECT, ARR, "expects an object, given an array"),
        (MESSAGE, MessageStart(), "expects an instance of Message, given an instance of MessageStart"),
        (STRING, UNDEFINED, "expects a string, given undefined"),
        (STRING, None, "expects a string, given null"),
        (STRING, FUNC, "expects a string, given a function"),
        (STRING, Identity(1, "URL"), "expects a string, given an instance of URL"),
        (Number(0, 1), 2, "expects a number between 0 and 1, given the number 2"),
        (Number(0), -1, "expects a number not below 0, given the number -1"),
        (Number(), float("nan"), "expects a number, given the number nan"),
        (DURATION, "100ms", "expects a duration in s, m, h or d, not '100ms'"),
        (DURATION, -1, "expects a duration"),
        (DURATION, math.nan, "expects a duration"),
        (DURATION, True, "requires a number or a string such as '5s', given true"),
        (SIZE, "many", "expects a size"),
        (SIZE, True, "requires a number or a string such as '64k', given true"),
        (PIPELINE, "", "expects the name of a pipeline, given the empty string"),
        (SIZE, math.inf, "expects a size"),
        (dynamic(NUMBER), "x", "expects a number or a function, given the string 'x'"),
    ],
)
def test_what_users_read(kind, value, message):
    with pytest.raises(ArgumentError, match=message):
        kind.check(value)


@pytest.mark.parametrize(
    ("kind", "typescript"),
    [
        (NUMBER, "number"),
        (dynamic(STRING), "string | ((...args: any[]) => any)"),
        (Options((Param("a", NUMBER), Param("b", STRING))), "{ a?: number; b?: string }"),
    ],
)
def test_types_for_editors(kind, typescript):
    assert kind.typescript == typescript


def test_undefined_and_null_are_absent():
    assert absent(None)
    assert absent(UNDEFINED)
    assert not any(absent(value) for value in [0, "", False, *VALUES])


class TestOptions:
    OPTIONS = options(Param("limit", SIZE, default=10), Param("name", STRING, default=None))

    def test_all_names_are_there(self):
        assert bind([[self.OPTIONS]], []) == [{"limit": 10, "name": None}]
        assert bind([[self.OPTIONS]], [ScriptDict(limit="1k")]) == [{"limit": 1024, "name": None}]
        assert bind([[self.OPTIONS]], [ScriptDict(name=UNDEFINED, limit=None)]) == [{"limit": 10, "name": None}]

    def test_unknown_names_are_ignored(self):
        assert bind([[self.OPTIONS]], [ScriptDict(other=1)]) == [{"limit": 10, "name": None}]

    def test_the_message_names_the_option(self):
        with pytest.raises(ArgumentError, match=r"argument #1 options.name expects a string, given the number 5"):
            bind([[self.OPTIONS]], [ScriptDict(name=5)])

    def test_only_objects_will_do(self):
        with pytest.raises(ArgumentError, match="expects an object, given an array"):
            bind([[self.OPTIONS]], [ARR])

    def test_the_noun_can_be_another(self):
        with pytest.raises(ArgumentError, match=r"option\.a expects a number"):
            bind([[options(Param("a", NUMBER, default=0), noun="option")]], [ScriptDict(a="x")])


class TestForms:
    SIZED = [Param("limit", SIZE, default=None), Param("callback", FUNCTION)]  # noqa: RUF012  # nobody changes them
    PLAIN = [Param("callback", FUNCTION)]  # noqa: RUF012

    @pytest.mark.parametrize(
        ("args", "bound"),
        [([5, FUNC], [5, FUNC]), ([FUNC], [FUNC]), ([UNDEFINED, FUNC], [None, FUNC]), (["1k", FUNC], [1024, FUNC])],
    )
    def test_the_first_that_fits(self, args, bound):
        assert bind([self.SIZED, self.PLAIN], args) == bound

    def test_if_none_fits_the_last_one_complains(self):
        with pytest.raises(ArgumentError, match=r"argument #1 expects a function, given the number 5.* \(parameter 'callback'\)"):
            bind([self.SIZED, self.PLAIN], [5])

    def test_unless_it_has_no_room_for_all_of_them(self):
        with pytest.raises(ArgumentError, match=r"argument #2 expects a function, given the number 6"):
            bind([self.SIZED, self.PLAIN], [5, 6])

    def test_too_few(self):
        with pytest.raises(ArgumentError, match="requires 2 or more arguments, given 1"):
            bind([[Param("a", STRING), Param("b", STRING)]], ["x"])

    def test_too_many_are_ignored(self):
        assert bind([self.PLAIN], [FUNC, 1, 2]) == [FUNC]
        assert bind([self.SIZED, self.PLAIN], [FUNC, 1]) == [FUNC]
        assert bind([[]], [1]) == []

    def test_an_absent_required_one_is_an_error_of_its_own(self):
        with pytest.raises(ArgumentError, match=r"argument #1 expects a string, given undefined.* \(parameter 'a'\)"):
            bind([[Param("a", STRING)]], [UNDEFINED])


class TestVariadic:
    FORM = [Param("target", PIPELINE, variadic=True), Param("condition", FUNCTION, default=None, variadic=True)]  # noqa: RUF012

    @pytest.mark.parametrize(
        ("args", "bound"),
        [(["a"], ["a", None]), (["a", FUNC, "b"], ["a", FUNC, "b"]), (["a", UNDEFINED, "b", FUNC], ["a", None, "b", FUNC])],
    )
    def test_a_group_repeats(self, args, bound):
        assert bind([self.FORM], args) == bound

    def test_the_message_has_the_number_of_the_argument(self):
        with pytest.raises(ArgumentError, match=r"argument #3 expects a string.* \(parameter 'target'\)"):
            bind([self.FORM], ["a", FUNC, 5])

    @given(st.integers(1, 9))
    def test_any_number_of_times(self, count):
        args = [FUNC if number % 2 else "a" for number in range(count)]
        assert bind([self.FORM], args)[:count] == args


@pytest.mark.parametrize(("value", "words"), [(False, "false"), (1e20, "the number 1e+20"), (set(), "an instance of set")])
def test_descriptions(value, words):
    assert describe(value) == words


def test_required_shows_itself():
    assert repr(REQUIRED) == "required"
    assert repr(Param("a", STRING).default) == "required"
