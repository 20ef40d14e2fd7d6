"""The console blocks of a README: finding them, and comparing what they promise with what is printed.

The convention, which tutorial/README.md explains to readers:

* a block opened with ```` ```console ```` is typed into terminals, from the directory that holds ``tutorial``;
* ``$ command`` is typed, ``^C`` is pressed; the lines below are what is printed;
* a line ``...`` stands for any lines, also none; ``...`` within a line for any text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INTERRUPT = "^C"


@dataclass(frozen=True)
class Step:
    """One thing to type, what is promised to be printed, and where in the README it stands."""

    command: str
    expected: str
    line: int


def read_steps(readme: str) -> list[Step]:
    """All steps of a README, in order."""
    return [step for block in _BLOCK.finditer(readme) for step in _steps(block[1], readme.count("\n", 0, block.start(1)) + 1)]


def _steps(block: str, first_line: int) -> Iterator[Step]:
    command, printed, start = "", [], first_line
    for number, line in enumerate(block.splitlines(), first_line):
        if line.startswith("$ ") or line == INTERRUPT:
            if command:
                yield Step(command, "\n".join(printed), start)
            command, printed, start = line.removeprefix("$ "), [], number
        else:
            assert command, f"line {number}: a console block begins with a command, not with {line!r}"
            printed.append(line)
    assert command, f"line {first_line}: an empty console block"
    yield Step(command, "\n".join(printed), start)


def matches(expected: str, printed: str, *, goes_on: bool = False) -> bool:
    """Whether *printed* is what *expected* promises; blanks at the end of lines and blank lines at the end do not count.

    :param goes_on: the program still runs, so that more may follow.
    """
    pattern = "".join(map(_pattern, expected.rstrip().splitlines()))
    lines = printed.replace("\r\n", "\n").rstrip().splitlines()
    return re.fullmatch(pattern + ("(?s:.*)" if goes_on else ""), "".join(line.rstrip() + "\n" for line in lines)) is not None


def _pattern(line: str) -> str:
    if line == "...":
        return "(?:.*\n)*?"
    return ".*".join(map(re.escape, line.rstrip().split("..."))) + "\n"


def tutorials(root: Path) -> list[Path]:
    """The directories of all tutorials, in order."""
    return sorted(path.parent for path in root.glob("[0-9][0-9]-*/README.md"))
