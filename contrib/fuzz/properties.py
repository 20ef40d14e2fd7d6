"""What a target is made of, and the ways in which the bytes of a stream may come."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

from pipy_core.api import EOS, Data, Event
from pipy_core.testing import Grammar, Tape, merged


@dataclass(frozen=True)
class Property:
    """Something that must be true.

    :param check: gets an example; raises if it is not true of that one.
    """

    name: str
    examples: st.SearchStrategy[Any]
    check: Callable[[Any], None]


def cuts(content: st.SearchStrategy[bytes]) -> st.SearchStrategy[tuple[bytes, list[int]]]:
    """*content*, with places where it is cut into pieces."""
    return st.tuples(content, st.lists(st.integers(0, 400), max_size=6))


def damaged(content: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """*content* with some bytes replaced, left out or put in."""
    change = st.tuples(st.integers(0, 400), st.integers(0, 2), st.binary(max_size=3))

    def damage(given: tuple[bytes, list[tuple[int, int, bytes]]]) -> bytes:
        content, changes = given
        for place, removed, added in changes:
            at = place % (len(content) + 1)
            content = content[:at] + added + content[at + removed :]
        return content

    return st.tuples(content, st.lists(change, min_size=1, max_size=3)).map(damage)


def decode(stage: Any, content: bytes, places: Sequence[int] = ()) -> list[Event]:
    """What a decoder, as ``Tape`` takes it, makes of *content* in pieces and of the end behind it.

    :raises AssertionError: it breaks the grammar of events. What a filter raises comes out too: nothing a peer sends may do that.
    """
    tape = Tape([stage])
    bounds = [0, *sorted(min(place, len(content)) for place in places), len(content)]
    output: list[Event] = []
    for begin, end in pairwise(bounds):
        output += tape.play(Data(content[begin:end])).events
    output += tape.play(EOS).events
    output += tape.close().events
    grammar = Grammar()
    for event in output:
        grammar.follow(event)
    return output


def same_in_pieces(stage: Any, content: bytes, places: Sequence[int]) -> None:
    """It does not matter how *content* is cut."""
    whole, pieces = merged(decode(stage, content)), merged(decode(stage, content, places))
    assert whole == pieces, f"whole: {whole}\nin pieces: {pieces}"
