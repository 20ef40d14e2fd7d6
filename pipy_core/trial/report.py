"""Results as text for people. Pure: results in, lines out."""

import difflib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from pipy_core.trial.results import Problem, Result

_WORDS: Final = {"passed": "ok", "failed": "FAILED", "skipped": "skipped"}
#: The line in a frame of a stack.
_CALLER: Final = re.compile(r":(\d+):\d+$", re.MULTILINE)
#: Lines of the log that are shown with a failure, the last ones.
LOG_SHOWN: Final = 40
#: Lines of a difference between values that are shown.
DIFFERENCE_SHOWN: Final = 60


def line(result: Result, base: Path) -> str:
    """The one line of a test.

    :param base: the directory to which names of files are relative.
    """
    name = f"{relative(result.file, base)}: {result.name}" if result.name else relative(result.file, base)
    time = f" ({result.seconds * 1000:.0f} ms)" if result.outcome == "passed" else ""
    return f"{_WORDS[result.outcome]:<8}{name}{time}"


def failure(result: Result, base: Path) -> list[str]:
    """All that is known of a failed test."""
    lines = ["", f"FAILED  {_position(result.file, result.line, base)}: {result.name or 'the file cannot be loaded'}"]
    for problem in result.problems:
        lines += [f"    {each}".rstrip() for each in describe(problem, result.file, base)]
    if result.log:
        left_out = len(result.log) - LOG_SHOWN
        lines.append(f"    the log{f', without its first {left_out} lines' if left_out > 0 else ''}:")
        lines += [f"        {each}".rstrip() for text in result.log[-LOG_SHOWN:] for each in text.split("\n")]
    return lines


def describe(problem: Problem, file: Path, base: Path) -> Iterator[str]:
    """One reason for a failure: what, where, and the difference."""
    first, *rest = problem.text.split("\n")
    yield first
    yield from (f"    {each}" for each in rest)
    place = problem.place
    if place.line:
        source = place.source.strip()
        at = file.with_name(place.path.lstrip("/")) if place.path else file
        yield f"    {_position(at, place.line, base)}{f':  {source}' if source else ''}"
        for number in _CALLER.findall(problem.stack)[1:]:
            yield f"    called at {_position(at, int(number), base)}"
    if problem.expected is not None and problem.given is not None:
        yield from (f"    {each}" for each in difference(problem.expected, problem.given))
    elif problem.expected is not None or problem.given is not None:
        what, value = ("expected", problem.expected) if problem.given is None else ("given", problem.given)
        yield f"    {what}: " + str(value).replace("\n", "\n    ")


def difference(expected: str, given: str) -> list[str]:
    """What was expected and what was given; of longer ones, the lines that differ, with two lines around each."""
    if "\n" not in expected and "\n" not in given:
        return [f"expected: {expected}", f"given:    {given}"]
    compared = difflib.unified_diff(expected.split("\n"), given.split("\n"), n=2, lineterm="")
    lines = [each for number, each in enumerate(compared) if number > 1 and not each.startswith("@@")]
    shown = ["- expected, + given"] + [f"{each[0]} {each[1:]}".rstrip() for each in lines[:DIFFERENCE_SHOWN]]
    return shown + (["..."] if len(lines) > DIFFERENCE_SHOWN else [])


def summary(results: Sequence[Result], seconds: float) -> str:
    """The last line: ``5 passed, 1 failed in 0.3 s``."""
    counts = {word: sum(result.outcome == word for result in results) for word in ("passed", "failed", "skipped")}
    told = [f"{count} {word}" for word, count in counts.items() if count or (word == "passed" and not counts["failed"])]
    return f"{', '.join(told)} in {seconds:.1f} s"


def relative(path: Path, base: Path) -> str:
    """*path* as it is seen from *base*, if it is below that."""
    return str(path.relative_to(base)) if path.is_relative_to(base) else str(path)


def _position(file: Path, number: int, base: Path) -> str:
    return f"{relative(file, base)}:{number}" if number else relative(file, base)
