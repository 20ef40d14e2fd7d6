"""What is logged while a script is tried: kept line by line instead of being written."""

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

#: Lines of one test that are kept; behind them, as many again that are about failures, and the others are counted.
LINE_LIMIT: Final = 10_000
_TAGS: Final = {"debug": "DBG", "info": "INF", "warning": "WRN", "error": "ERR", "critical": "ERR"}
#: Who logs the errors of scripts, and bugs.
_CULPRITS: Final = frozenset({"pjs", "bug"})


@dataclass
class Captured:
    """The log of one test.

    :ivar lines: as the program writes them, without the time: ``[ERR] [pjs] TypeError: ...``.
    :ivar failures: which of them are errors of a script, or bugs.
    :ivar expected: those of them that the test has asked for.
    :ivar dropped: how many lines were not kept.
    """

    lines: list[str] = field(default_factory=list)
    failures: set[int] = field(default_factory=set)
    expected: set[int] = field(default_factory=set)
    dropped: int = 0

    def __call__(self, _logger: Any, method: str, event: MutableMapping[str, Any]) -> str:
        """A structlog processor, the last one.

        :raises DropEvent: always; nothing is written.
        """
        component = event.get("component", "")
        if component == "config" and method == "info":
            raise structlog.DropEvent  # the drawing of the configuration: long, and the same for every test
        is_failure = component in _CULPRITS and method == "error"
        if len(self.lines) < (2 * LINE_LIMIT if is_failure else LINE_LIMIT):
            text = str(event["event"])
            if not event.get("plain"):
                prefix = f"[{_TAGS.get(method, 'INF')}] {f'[{component}] ' if component else ''}"
                text = "\n".join(prefix + line for line in text.split("\n"))
            if is_failure:
                self.failures.add(len(self.lines))
            self.lines.append(text)
        else:
            self.dropped += 1
        raise structlog.DropEvent

    def all(self) -> list[str]:
        """What was kept, and how many lines were not."""
        return [*self.lines, f"({self.dropped} more lines were not kept)"] if self.dropped else self.lines

    def unexpected(self) -> list[str]:
        """The failures that the test has not asked for."""
        return [self.lines[number] for number in sorted(self.failures - self.expected)]


@contextmanager
def capture(captured: Captured) -> Iterator[None]:
    """Meanwhile the log of the whole process goes into *captured*."""
    processors = structlog.get_config()["processors"]
    before = list(processors)
    # the list itself is changed: loggers that somebody has told to be cached hold on to it
    processors[:] = [captured]
    structlog.configure(processors=processors)
    try:
        yield
    finally:
        processors[:] = before
