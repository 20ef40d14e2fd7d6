"""Figures of several workers as those of one."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_core.figures import Family, accumulate, decode, encode, merge

A, B = (("l", "a"),), (("l", "b"),)


def family(kind, *samples, name="n", over="sum"):
    return Family(name, kind, "Help.", list(samples), over)


@pytest.mark.parametrize("kind", ["counter", "gauge", "histogram", "classic"])
def test_samples_with_the_same_labels_are_added(kind):
    merged = merge([[family(kind, ("", A, 1), ("", B, 2))], [family(kind, ("", A, 10), ("_sum", (), 0.5))]])
    assert merged == [family(kind, ("", A, 11), ("", B, 2), ("_sum", (), 0.5))]


def test_what_cannot_be_added():
    merged = merge([[family("gauge", ("", A, 3), over="max")], [family("gauge", ("", A, 2), ("", B, 1), over="max")]])
    assert merged == [family("gauge", ("", A, 3), ("", B, 1), over="max")]


def test_names_stand_in_the_order_in_which_they_came():
    parts = [[family("gauge", name="b"), family("gauge", name="a")], [family("gauge", name="c"), family("gauge", name="a")]]
    assert [each.name for each in merge(parts)] == ["b", "a", "c"]


def test_of_two_kinds_the_first_counts():
    assert merge([[family("counter", ("", A, 1))], [family("gauge", ("", A, 5))]]) == [family("counter", ("", A, 1))]


def test_the_form_of_the_original_is_kept():
    plain = Family("n", "gauge", "", [("", (), 1)], plain=True)
    assert merge([[plain], [plain]]) == [Family("n", "gauge", "", [("", (), 2)], plain=True)]


def test_what_is_kept_of_a_worker_that_has_ended():
    told = [family("counter", ("", A, 5)), family("gauge", ("", (), 9), name="g"), family("histogram", ("_sum", (), 2), name="h")]
    kept = accumulate([family("counter", ("", A, 1), ("", B, 1))], told)
    assert kept == [family("counter", ("", A, 6), ("", B, 1)), family("histogram", ("_sum", (), 2), name="h")]


FAMILIES = st.lists(
    st.builds(
        Family,
        st.text(max_size=3),
        st.sampled_from(["counter", "gauge", "histogram", "classic"]),
        st.text(max_size=5),
        st.lists(
            st.tuples(st.text(max_size=2), st.lists(st.tuples(st.text(max_size=2), st.text(max_size=3)), max_size=2).map(tuple), st.floats(allow_nan=False)),
            max_size=4,
        ),
        st.sampled_from(["sum", "max"]),
        plain=st.booleans(),
    ),
    max_size=5,
)  # fmt: skip


@given(FAMILIES)
def test_they_travel(families):
    assert decode(encode(families)) == families


def test_what_is_no_number_travels_too():
    ((_, _, value),) = decode(encode([family("gauge", ("", (), math.nan))]))[0].samples
    assert math.isnan(value)


@pytest.mark.parametrize("text", [b"", b"{}", b"[1]", b'[["n","gauge","","sum",false,[["",[],"nan"]]]]', b'[["n"]]'])
def test_what_is_something_else(text):
    with pytest.raises(ValueError):  # noqa: PT011  # what msgspec raises is one
        decode(text)


@given(st.lists(st.dictionaries(st.sampled_from("abc"), st.integers(0, 100)), max_size=4))
def test_no_sum_goes_down_when_workers_end(workers):
    """Whoever ends one after the other: what all have told so far stays."""
    told = [[family("counter", *(("", (("l", label),), number) for label, number in worker.items()))] for worker in workers]

    def total(families):
        return sum(value for each in families for _, _, value in each.samples)

    before, kept = total(merge(told)), []
    for number, each in enumerate(told):
        kept = accumulate(kept, each)
        assert total(merge([kept, *told[number + 1 :]])) == before
