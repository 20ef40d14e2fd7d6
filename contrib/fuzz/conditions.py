"""Ranges and conditions of requests for files: whatever a client says, it gets what is there, or an error that RFC 9110 knows."""

from hypothesis import strategies as st

from contrib.fuzz.properties import Property
from pipy_core.api import accepted_codings, choose_coding
from pipy_plugins.http_file.conditions import Representation, date_of, range_of, respond

TAG = '"tag"'
DATES = st.sampled_from(["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "x", ""])
NUMBERS = st.integers(0, 30).map(str) | st.sampled_from(["", "9" * 19, "9" * 30, "-1", "+1", "\u0661"])
RANGES = st.builds(
    "{}={}-{}{}".format, st.sampled_from(["bytes", "Bytes", "b", "bytes "]), NUMBERS, NUMBERS, st.sampled_from(["", ",1-2", " "])
)
ANY_TEXT = st.text(st.characters(max_codepoint=0x17F), max_size=20)
TAGS = st.sampled_from(["*", TAG, f"W/{TAG}", '"other"', f'"a,b", {TAG}', "tag", '"'])
FIELDS = {
    "range": RANGES | ANY_TEXT,
    "if-range": TAGS | DATES | ANY_TEXT,
    **dict.fromkeys(("if-match", "if-none-match"), TAGS | ANY_TEXT),
    **dict.fromkeys(("if-modified-since", "if-unmodified-since"), DATES | ANY_TEXT),
}
REQUESTS = st.tuples(
    st.sampled_from(["GET", "GET", "GET", "HEAD", "POST"]), st.fixed_dictionaries({}, optional=FIELDS), st.integers(0, 20)
)


def _is_answered(example: tuple[str, dict[str, str], int]) -> None:
    method, request, size = example
    answer = respond(method, request, Representation(size, TAG, 784111777))
    assert answer.status in {200, 206, 304, 405, 412, 416}
    assert 0 <= answer.start <= answer.stop <= size
    assert (answer.start < answer.stop) == (answer.status == 206) or answer.status == 200
    assert all(value.isprintable() for value in answer.headers.values())


def _is_what_was_asked_for(example: tuple[int, int, int]) -> None:
    first, last, size = example
    wanted = range(size)[first : last + 1]
    assert range_of(f"bytes={first}-{last}", size) == (
        None if last < first else (min(first, size), min(last + 1, size)) if wanted else (size, size)
    )
    assert range_of(f"bytes={first}-", size) == (min(first, size), size)
    assert range_of(f"bytes=-{last}", size) == (max(size - last, 0), size)


def _is_a_date_or_not(text: str) -> None:
    seconds = date_of(text)
    assert seconds is None or isinstance(seconds, int)


def _is_a_coding(text: str) -> None:
    accepted = accepted_codings(text)
    assert all(0 <= quality <= 1 for quality in accepted.values())
    chosen = choose_coding(text, ["br", "gzip"])
    assert chosen in {"", "br", "gzip"}
    assert not chosen or accepted.get(chosen, accepted.get("*", 0)) > 0


PROPERTIES = [
    Property("is answered", REQUESTS, _is_answered),
    Property(
        "is what was asked for", st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(0, 20)), _is_what_was_asked_for
    ),
    Property("dates", DATES | ANY_TEXT, _is_a_date_or_not),
    Property("codings", st.text("gzipbr*;q=01. ,x", max_size=30) | ANY_TEXT, _is_a_coding),
]
