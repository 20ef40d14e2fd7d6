"""Accept-Encoding and Content-Encoding."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_core.kit.codings import accepted_codings, choose_coding, content_codings

OURS = ("zstd", "br", "gzip")


@pytest.mark.parametrize(
    ("field", "chosen"),
    [
        ("", ""),
        (None, ""),
        (7, ""),
        ("gzip", "gzip"),
        ("GZip", "gzip"),
        ("x-gzip", "gzip"),
        ("deflate, gzip", "gzip"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip;q=1.0, br;q=0.5", "gzip"),
        ("gzip;q=0, br", "br"),
        ("gzip;q=0", ""),
        ("*", "zstd"),
        ("*;q=0", ""),
        ("zstd;q=0, *", "br"),
        ("gzip;q=0.5, *;q=0.1", "gzip"),
        ("identity", ""),
        ("identity, gzip;q=0.5", ""),
        ("identity;q=0.5, gzip;q=0.5", "gzip"),
        ("identity;q=0.2, gzip;q=0.5", "gzip"),
        ("gzip ; q=0.8 , br\t;\tq=0.9", "br"),
        ("gzip;q=2, br;q=0.1", "br"),
        ("gzip;q=-1", ""),
        ("gzip;q=0.1234", ""),
        ("gzip;q", ""),
        ("gzip;q=nan", ""),
        ("gzip;level=9", "gzip"),
        (["deflate", "gzip"], "gzip"),
        (["deflate", 4, "gzip"], "gzip"),
        (",,;,=,", ""),
        ("nothing" * 1000, ""),
    ],
)
def test_the_best_coding(field, chosen):
    assert choose_coding(field, OURS) == chosen


def test_only_the_first_elements_of_a_long_list_count():
    assert choose_coding(", ".join(["x"] * 31 + ["gzip"]), OURS) == "gzip"
    assert choose_coding(", ".join(["x"] * 32 + ["gzip"]), OURS) == ""


def test_the_first_weight_of_a_coding_counts():
    assert accepted_codings("gzip;q=0, gzip") == {"gzip": 0.0}


@given(st.text(alphabet="gzipbr,;q=0.15* \tx-", max_size=60) | st.text(max_size=40))
def test_what_is_chosen_is_offered_and_accepted(field):
    chosen = choose_coding(field, OURS)
    assert chosen in ("", *OURS)
    if chosen:
        weights = accepted_codings(field)
        weight = weights.get(chosen, weights.get("*", 0))
        assert weight > 0
        assert all(weights.get(other, weights.get("*", 0)) <= weight for other in OURS)


@given(st.dictionaries(st.sampled_from(OURS), st.integers(0, 1000), min_size=1))
def test_weights_are_read_as_they_are_written(weights):
    field = ", ".join(f"{name};q={weight / 1000:.3f}" for name, weight in weights.items())
    assert accepted_codings(field) == {name: weight / 1000 for name, weight in weights.items()}


@pytest.mark.parametrize(
    ("field", "codings"),
    [
        ("gzip", ["gzip"]),
        (" X-GZIP ", ["gzip"]),
        ("identity", []),
        ("", []),
        (None, []),
        ("gzip, br", ["gzip", "br"]),
        ("gzip,,identity,br", ["gzip", "br"]),
        (["gzip", "br"], ["gzip", "br"]),
    ],
)
def test_codings_of_a_body(field, codings):
    assert content_codings(field) == codings
