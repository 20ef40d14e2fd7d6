"""``print()``: writes the text of the stream to the log, without the prefix of log lines, and passes everything on."""

import codecs
from typing import Final

from pipy_core.api import Data, Event, Filter, MessageEnd, Registry, StreamEnd, hookimpl, write_plain

#: A longer line is broken.
WIDTH: Final = 100


class Print(Filter):
    """Writes a line at each line end, at 100 characters, and at the end of a message or stream. Control characters are left out."""

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")(errors="replace").decode
        self._line = ""
        self._broken = False  # the line before was full: a line end right behind it is its own

    def process(self, event: Event) -> None:
        """See ``Filter``."""
        if isinstance(event, Data):
            self._take(self._decode(event.payload))
        elif isinstance(event, MessageEnd | StreamEnd):
            self._take(self._decode(b"", final=True))
            if self._line:
                self._write()
            self._broken = False
        self.emit(event)

    def _take(self, text: str) -> None:
        *complete, rest = text.split("\n")
        for line in complete:
            self._add(line)
            if self._line or not self._broken:
                self._write()
            self._broken = False
        self._add(rest)

    def _add(self, text: str) -> None:
        self._line += "".join([character for character in text if character >= " "])
        while len(self._line) >= WIDTH:
            rest, self._line = self._line[WIDTH:], self._line[:WIDTH]
            self._write()
            self._line, self._broken = rest, True

    def _write(self) -> None:
        line, self._line = self._line, ""
        write_plain("print", line)


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    registry.add_filter("print", Print, help="Writes data to the log as lines of text, and passes it on unchanged.", group="debug")
