"""Compression: what is compressed comes back; what is damaged passes or ends its stream, and is bounded."""

from itertools import pairwise

from hypothesis import strategies as st

from contrib.fuzz.properties import Property, cuts, damaged
from pipy_core.api import END, EOS, Data, Event, Failure, Head, MessageStart, StreamEnd
from pipy_core.testing import Grammar, Tape, merged
from pipy_plugins.compression.compress import CompressMessage
from pipy_plugins.compression.decompress import DecompressHTTP, DecompressMessage

#: What a body may expand to here, small enough to be passed by examples.
LIMIT = 4096
OPEN = {"sizeLimit": 0, "ratioLimit": 0}
TIGHT = {"sizeLimit": LIMIT, "ratioLimit": 200}
METHODS = st.sampled_from(["gzip", "deflate", "br", "zstd"])
BODIES = st.binary(max_size=300) | st.builds(
    lambda piece, times: piece * times, st.binary(min_size=1, max_size=4), st.integers(1, 3000)
)


def _pieces(content: bytes, places: list[int]) -> list[Event]:
    bounds = [0, *sorted(min(place, len(content)) for place in places), len(content)]
    return [Data(content[begin:end]) for begin, end in pairwise(bounds) if end > begin]


def _run(tape: Tape, events: list[Event]) -> list[Event]:
    output = [event for each in events for event in tape.play(each).events]
    output += tape.advance(1).events
    grammar = Grammar()
    for event in output:
        grammar.follow(event)
    return merged(output)


def compressed(method: str, body: bytes) -> bytes:
    """*body* as a peer would send it."""
    output = _run(Tape(CompressMessage, method, {"level": None, "minSize": 0}), [MessageStart(), Data(body), END])
    return b"".join(event.payload for event in output if isinstance(event, Data))


def decompress(method: str, content: bytes, places: list[int], limits: dict[str, int]) -> list[Event]:
    """What becomes of a body."""
    return _run(Tape(DecompressMessage, method, limits), [MessageStart(), *_pieces(content, places), END, EOS])


def _comes_back(example: tuple[str, bytes, list[int]]) -> None:
    method, body, places = example
    expected = [MessageStart(), *([Data(body)] if body else []), END, EOS]
    assert decompress(method, compressed(method, body), places, OPEN) == expected


def _is_bounded(example: tuple[str, tuple[bytes, list[int]]]) -> None:
    method, (content, places) = example
    output = decompress(method, content, places, TIGHT)
    assert output[-1] in (EOS, StreamEnd(Failure.BUFFER_OVERFLOW))
    assert sum(len(event.payload) for event in output if isinstance(event, Data)) <= LIMIT + len(content)


def _codings(example: tuple[str, bytes]) -> None:
    coding, content = example
    head = Head({"headers": {"content-encoding": coding}})
    output = _run(Tape(DecompressHTTP, TIGHT), [MessageStart(head), *_pieces(content, [1, 2]), END, EOS])
    assert isinstance(output[-1], StreamEnd)


SENT = st.tuples(METHODS, BODIES).flatmap(
    lambda example: st.tuples(st.just(example[0]), cuts(damaged(st.just(compressed(*example)))))
)

PROPERTIES = [
    Property("comes back", st.tuples(METHODS, BODIES, st.lists(st.integers(0, 400), max_size=6)), _comes_back),
    Property("damaged", SENT, _is_bounded),
    Property("anything", st.tuples(METHODS, cuts(st.binary(max_size=60))), _is_bounded),
    Property("any coding", st.tuples(st.text("gzipbrstd,; =q\t", max_size=20) | METHODS, st.binary(max_size=60)), _codings),
]
