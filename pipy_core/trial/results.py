"""What came of a test."""

from dataclasses import dataclass, field
from pathlib import Path

import msgspec.json

from pipy_core.errors import Place
from pipy_core.script.fault import Fault
from pipy_core.script.host import Codebase


@dataclass(frozen=True)
class Problem:
    """One reason why a test failed.

    :ivar text: what is wrong; may have several lines.
    :ivar place: where in the test file; an empty one if that is not known.
    :ivar stack: the functions of the test file on the way there, innermost first.
    :ivar given: what an assertion was given, as text; None if there is nothing to compare.
    :ivar expected: what it expected.
    """

    text: str
    place: Place = field(default_factory=Place)
    stack: str = ""
    given: str | None = None
    expected: str | None = None


@dataclass
class Result:
    """One test, run.

    :ivar outcome: ``passed``, ``failed`` or ``skipped``.
    :ivar line: where the test begins in its file; 0 if that is not known.
    :ivar log: what was logged meanwhile.
    """

    file: Path
    name: str
    outcome: str = "passed"
    line: int = 0
    seconds: float = 0.0
    problems: list[Problem] = field(default_factory=list)
    log: list[str] = field(default_factory=list)


def problem_of(fault: str, codebase: Codebase) -> Problem:
    """What the kit tells of an exception in a test, as JSON."""
    told = msgspec.json.decode(fault)
    error = Fault(fault).placed(codebase)
    text = error.message if error.kind == "AssertionError" else str(error)
    return Problem(text, error.place, error.stack, told.get("given"), told.get("expected"))
