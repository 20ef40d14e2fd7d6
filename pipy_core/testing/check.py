"""``check_filter``: what must be true of every filter, whatever it does."""

from collections.abc import Callable, Sequence

from pipy_core.events import Data, Event, StreamEnd
from pipy_core.grammar import Grammar, GrammarError
from pipy_core.testing.tape import Tape
from pipy_core.testing.world import Stage


def check_filter(
    stage: Stage | Callable[[], Tape], events: Sequence[Event], *, ends: bool = True, chunking: bool = True, legal: bool = True
) -> list[Event]:
    """Check that a filter keeps its contract for a legal stream of *events*.

    * what comes out is legal under ``pipy_core.grammar``, and nothing comes out behind a StreamEnd;
    * the end is passed on: if the input ends, so does the output;
    * two streams at the same time do not know of each other, and neither does the next one of the one before;
    * it does not matter in what pieces bytes arrive: split into single bytes they give the same, but for the cuts in Data.

    :param stage: as for ``Tape``; or a function without arguments that gives a new ``Tape``, for filters that need variables.
    :param ends: give False for filters that keep the end back.
    :param chunking: give False for filters whose work is about pieces of data.
    :param legal: give False for filters that a script tells to break the grammar; nothing behind the end is checked all the same.
    :returns: what came out.
    :raises AssertionError: it does not; the text says which.
    """
    alone = _tape(stage)
    output = _run(alone, events)
    _check_end(output)
    if ends and events and isinstance(events[-1], StreamEnd):
        assert isinstance(output[-1] if output else None, StreamEnd), f"swallowed the end: {output}"
    if legal:
        _check_grammar(output)
    one, two = alone.again(), alone.again()
    pairs = [(one.play(event).events, two.play(event).events) for event in events]
    for number in (0, 1):
        interleaved = [event for pair in pairs for event in pair[number]]
        assert interleaved == output, f"streams share state: {interleaved} with another stream beside it, {output} alone"
    if chunking:
        bytewise = _run(_tape(stage), [piece for event in events for piece in _bytewise(event)])
        assert merged(bytewise) == merged(output), f"chunking matters: {merged(bytewise)} bytewise, {merged(output)} whole"
    return output


def merged(events: Sequence[Event]) -> list[Event]:
    """*events* with adjacent Data joined and empty Data left out."""
    result: list[Event] = []
    for event in events:
        if isinstance(event, Data):
            if not event.payload:
                continue
            if result and isinstance(last := result[-1], Data):
                result[-1] = Data(last.payload + event.payload)
                continue
        result.append(event)
    return result


def _tape(stage: Stage | Callable[[], Tape]) -> Tape:
    if isinstance(stage, type | tuple):
        return Tape([stage])
    made = stage()
    return made if isinstance(made, Tape) else Tape([stage])  # type: ignore[list-item]  # it makes filters, as we have seen


def _run(tape: Tape, events: Sequence[Event]) -> list[Event]:
    output = [emitted for event in events for emitted in tape.play(event).events]
    return output + tape.close().events


def _check_end(output: Sequence[Event]) -> None:
    found = [number for number, event in enumerate(output) if isinstance(event, StreamEnd)]
    assert len(found) <= 1, f"ended {len(found)} times: {output}"
    assert not found or found[0] == len(output) - 1, f"talked behind its end: {output}"


def _check_grammar(output: Sequence[Event]) -> None:
    grammar = Grammar()
    for event in output:
        try:
            grammar.follow(event)
        except GrammarError as error:
            raise GrammarError(f"illegal: {error} in {output}") from None


def _bytewise(event: Event) -> list[Event]:
    if isinstance(event, Data) and len(event.payload) > 1:
        return [Data(event.payload[number : number + 1]) for number in range(len(event.payload))]
    return [event]
