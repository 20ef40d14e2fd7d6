"""Child processes: what is fed goes to their standard input, their standard output is replied.

A child is reaped as soon as it has ended, whoever still wants to know of it. Speaks to its filter as a ``Branch``. Knows no shell:
what is run is a program with its arguments (spec: filters.md, ``exec``).
"""

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any, Final, cast

from pipy_core.counters import Tally
from pipy_core.events import Data, Event, Failure, StreamEnd
from pipy_core.filter import Emit, ignore
from pipy_core.net.ending import Ending
from pipy_core.net.reactor import Reactor, ReactorTimer
from pipy_core.net.writer import Writer
from pipy_core.turn import Valve

READ: Final = 1
#: Bytes per read; the most that Linux has in a pipe.
READ_SIZE: Final = 64 * 1024
#: Seconds between SIGTERM, when nobody wants a child any more, and SIGKILL (systemd 90 s, Docker 10 s).
KILL_AFTER: Final = 5.0


class Child:
    """One child process, from its start until it has been reaped.

    :param arguments: the program, which is looked for in PATH, and its arguments.
    :param options: ``env``, variables in addition to our own; ``cwd``, where it runs, empty for here; ``merge``, whether its
        standard error is replied too, instead of being ours.
    :param reply: gets Data, and one StreamEnd when the output has ended and the process has too; in turns.
    :param exited: called right before that StreamEnd with the exit code, or the negative number of the signal that ended it.
    :raises OSError: it cannot be run. :raises ValueError: it cannot be run by anybody: there is a NUL in an argument.
    """

    __slots__ = (
        "_code",
        "_exited",
        "_held",
        "_input",
        "_killer",
        "_output",
        "_process",
        "_reactor",
        "_reader",
        "_reply",
    )

    def __init__(
        self, reactor: Reactor, arguments: Sequence[str], options: Mapping[str, Any], reply: Emit, exited: Callable[[int], None]
    ) -> None:
        self._process = subprocess.Popen(  # noqa: S603  # running what the script names is what this is for
            arguments,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if options["merge"] else None,
            cwd=options["cwd"] or None,
            env={**os.environ, **options["env"]},
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._reactor = reactor
        self._reply = reply
        self._exited = exited
        self._code: int | None = None
        self._held: list[Valve] = []  # what the reader waits for
        self._input = _Input(reactor, self._process.stdin, self._overflowed)
        self._output: IO[bytes] | None = self._process.stdout
        os.set_blocking(self._output.fileno(), False)
        self._reader = reactor.loop.io(self._output.fileno(), READ)
        self._reader.start(self._readable)
        self._killer: ReactorTimer | None = None
        Ending(reactor, self._process, self._on_end)

    # -- as a branch ------------------------------------------------------------------------------------------------

    def feed(self, event: Event) -> None:
        """See ``Branch``."""
        if type(event) is Data:
            if event.payload:
                self._input.write(event.payload)
        elif type(event) is StreamEnd:
            self._input.end()

    def drain(self) -> None:
        """See ``Branch``. What was begun here is somebody else's to finish."""

    def busy(self) -> bool:
        """See ``Branch``: until the StreamEnd has been replied."""
        return self._reply is not ignore

    def close(self) -> None:
        """See ``Branch``: nobody wants it any more. It is asked to end, and made to if it does not."""
        if self._reply is ignore:
            return
        self._reply = ignore
        self._input.abort()
        self._close_output()
        if self._code is None:
            self._process.terminate()
            self._killer = self._reactor.after(KILL_AFTER, self._process.kill)

    def _overflowed(self) -> None:
        """More than can be kept was fed by somebody who cannot wait."""
        reply = self._reply
        self.close()
        reply(StreamEnd(Failure.BUFFER_OVERFLOW))

    # -- its output -------------------------------------------------------------------------------------------------

    def _readable(self) -> None:
        """Runs in the hub."""
        output = self._output
        assert output is not None
        try:
            payload = os.read(output.fileno(), READ_SIZE)
        except BlockingIOError:
            return
        if not payload:
            self._close_output()
            self._reactor.run(self._end_if_over)
            return
        try:
            self._reply(Data(payload))
        except Exception as error:  # noqa: BLE001  # the outermost boundary of a child
            self._reactor.report(error, "child process")
            self.close()
        self._wait(self._reactor.finish())

    def _wait(self, held: list[Valve]) -> None:
        """Back-pressure: read no more until everything that this child feeds has room again."""
        if self._output is None:
            return
        closed = next((valve for valve in held if valve.closed), None)
        if closed is None:
            if self._held:
                self._held = []
                self._reader.start(self._readable)
            return
        if not self._held:
            self._reader.stop()
        self._held = held
        closed.when_open(lambda: self._reactor.loop.run_callback(self._wait, held))

    def _close_output(self) -> None:
        output, self._output = self._output, None
        if output is not None:
            self._reader.stop()
            self._reader.close()
            output.close()

    # -- its end ----------------------------------------------------------------------------------------------------

    def _on_end(self, code: int) -> None:
        """Runs in a greenlet of its own, when it has ended."""
        self._code = code
        if self._killer is not None:
            self._killer.cancel()
        self._reactor.run(self._end_if_over)

    def _end_if_over(self) -> None:
        if self._code is None or self._output is not None or self._reply is ignore:
            return
        reply, self._reply = self._reply, ignore
        self._input.abort()
        self._exited(self._code)
        reply(StreamEnd())


class _Pipe:
    """The writing end of a pipe with the face of a socket, as far as ``Writer`` looks at it."""

    __slots__ = ("_file", "fileno")

    def __init__(self, file: IO[bytes]) -> None:
        os.set_blocking(file.fileno(), False)
        self._file = file
        self.fileno = file.fileno

    def send(self, payload: bytes | memoryview) -> int:
        return os.write(self._file.fileno(), payload)

    def close(self) -> None:
        self._file.close()


class _Input(Writer):
    """A child's standard input. A child need not read all of it: what it does not want is dropped.

    :param overflowed: called when there is too much of it.
    """

    __slots__ = ("_overflowed",)

    def __init__(self, reactor: Reactor, file: IO[bytes], overflowed: Callable[[], None]) -> None:
        super().__init__(reactor, cast(Any, _Pipe(file)), 0.0, Tally("child"))
        self._overflowed = overflowed

    def abort(self) -> None:
        """Close it at once; what is unsent is lost."""
        if not self._closed:
            self._closed = True
            self._drop_unsent()
            self.sock.close()

    def _finish_sending(self) -> None:
        self.abort()

    def _fail(self, failure: Failure) -> None:
        self.abort()
        if failure is Failure.BUFFER_OVERFLOW:
            self._overflowed()
