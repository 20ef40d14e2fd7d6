"""The standard output as the log writes it: a reader that does not read keeps nobody from serving.

Lines are written at once, by whoever logs them, as long as that cannot block. When a pipe or a terminal takes no more they wait for
a thread of their own, up to ``MAX_WAITING``; what is beyond that is lost, and whoever logs hears of it.
"""

import atexit
import io
import os
import select
import stat
import sys
import threading
from typing import Final

#: Bytes of lines that wait for a slow reader.
MAX_WAITING: Final = 1024 * 1024
#: Seconds that a reader has for what still waits when the process ends.
LAST_WORDS: Final = 1.0


def standard_output() -> "Output | None":
    """That of the process; None where it is none that could block: closed, or replaced by something in memory."""
    try:
        descriptor = -1 if sys.stdout is None else sys.stdout.fileno()
    except (io.UnsupportedOperation, ValueError):  # ValueError: it was closed
        descriptor = -1
    if descriptor < 0:
        return None
    output = Output(descriptor)
    atexit.register(output.finish)
    return output


class Output:
    """See the module. Several processes may share the *descriptor*: a line of up to ``PIPE_BUF`` bytes stays in one piece."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._never_blocks = stat.S_ISREG(os.fstat(descriptor).st_mode)
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)
        self._changed = threading.Condition()
        self._waiting: list[bytes] = []
        self._size = 0  # bytes that wait, or are being written by the thread
        self._thread: threading.Thread | None = None
        self._error: OSError | None = None

    def write(self, text: str) -> None:
        """Write *text*, or let it wait.

        :raises OSError: it could not be written, something before it could not, or too much waits already.
        """
        data = text.encode("utf-8", "backslashreplace")
        if not self._size and self._takes(data):
            self._write(data)
            return
        with self._changed:
            error, self._error = self._error, None
            if error is not None:
                raise error
            if self._size + len(data) > MAX_WAITING:
                raise BlockingIOError("nobody reads the log")
            self._waiting.append(data)
            self._size += len(data)
            if self._thread is None:
                self._thread = threading.Thread(target=self._write_waiting, name="log", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def flush(self) -> None:
        """Nothing is left to do: what waits is written by itself."""

    def finish(self, limit: float = LAST_WORDS) -> bool:
        """Wait until nothing waits any more, *limit* seconds at most; whether that is so."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._size, limit)

    def _takes(self, data: bytes) -> bool:
        """Whether writing *data* cannot block: a pipe that is ready takes ``PIPE_BUF`` bytes."""
        return self._never_blocks or (len(data) <= select.PIPE_BUF and bool(self._poll.poll(0)))

    def _write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._descriptor, data) :]

    def _write_waiting(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                data = b"".join(self._waiting)
                self._waiting.clear()
            error: OSError | None = None
            try:
                self._write(data)
            except OSError as failed:
                error = failed
            with self._changed:
                self._error = error
                self._size -= len(data)
                self._changed.notify_all()
