"""One worker process as its supervisor sees it: started by exec, spoken to over a channel, watched, and mourned."""

import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Any, Final

from gevent import Timeout
from gevent.event import AsyncResult

from pipy_core.errors import RelayedError
from pipy_core.net.ending import Ending
from pipy_core.net.opening import Address
from pipy_core.net.reactor import Reactor
from pipy_core.process import control
from pipy_core.process.channel import Channel
from pipy_core.process.control import Message
from pipy_core.script.isolate import FATAL_EXIT
from pipy_core.settings import Settings

#: Seconds that a new process may take until it says that it is ready.
START_LIMIT: Final = 60.0
#: Seconds without a sign of life after which a worker is killed, besides what a call of the script may take.
BEAT_LIMIT: Final = 15.0
#: Seconds for an answer to ``Commit``: opening and closing ports takes none.
COMMIT_LIMIT: Final = 15.0
#: Options of the interpreter that have to do with where its code comes from, by their names in ``sys.flags``.
_OPTIONS: Final = {"ignore_environment": "-E", "no_user_site": "-s", "no_site": "-S"}


class WorkerEnded(RelayedError):
    """The worker has ended, or does not answer."""


class WorkerProcess:
    """See the module.

    :param number: its place, from 1.
    :param spoke: gets what it says by itself: ``Ready``, ``Restart``, ``Exit``.
    :param ended: called once when the process has ended.
    :raises OSError: it cannot be started.
    :ivar generation: of the script that it runs; 0: none. :ivar held: the ports that it has sockets for.
    :ivar ready: whether it can load a script.
    """

    def __init__(
        self,
        reactor: Reactor,
        number: int,
        settings: Settings,
        spoke: Callable[["WorkerProcess", Message], None],
        ended: Callable[["WorkerProcess"], None],
    ) -> None:
        self._reactor = reactor
        self.number = number
        self.ready = False
        self.generation = 0
        self.held: set[Address] = set()
        self.started_at = self._last_beat = reactor.now()
        self.reason = ""  # why it has ended, or is being killed
        self._settings = settings
        self._spoke = spoke
        self._ended = ended
        self._loading = False
        self._questions = 0
        self._answers: dict[tuple[type, int], AsyncResult] = {}
        ours, theirs = socket.socketpair()
        with theirs:
            words = [sys.executable, *interpreter_options(sys.flags), "-m", "pipy_core", "--supervised", str(theirs.fileno())]
            # Signals wait until it ignores them: they would end it, with a traceback, while it is still importing.
            previous = signal.pthread_sigmask(signal.SIG_BLOCK, control.LEFT_TO_SUPERVISOR)
            try:
                self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])  # noqa: S603
            except OSError:
                ours.close()
                raise
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, previous)
        self._channel = Channel(reactor, ours, self._receive, lambda: None)
        self._ending = Ending(reactor, self._process, self._on_end)
        self._channel.send(control.Welcome(number, settings))

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    @property
    def name(self) -> str:
        """For people."""
        return f"worker {self.number} ({self.pid})"

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        return self._process.returncode is None

    # -- saying things ----------------------------------------------------------------------------------------------

    def send(self, message: Message) -> None:
        """Tell it something that has no answer."""
        self._channel.send(message)

    def begin_load(self, order: control.Load) -> None:
        """Let it load a script; see ``loaded``."""
        self._loading = True
        self._expect(control.Loaded, order.generation)
        self._channel.send(order)

    def loaded(self, generation: int) -> control.Loaded:
        """Wait for the answer.

        :raises WorkerEnded: it has ended.
        :raises RelayedError: the script cannot be loaded.
        """
        try:
            answer = self._wait(control.Loaded, generation, self._load_limit)
        finally:
            self._loading = False
            self._last_beat = self._reactor.now()
        if isinstance(answer, control.Failed):
            raise RelayedError(answer.component, answer.text)
        return answer  # type: ignore[no-any-return]

    def begin_commit(self, generation: int, sockets: dict[control.Address, socket.socket]) -> None:
        """Let what it has loaded take over; see ``committed``.

        :param sockets: of all ports of that generation; it gets those that it does not have.
        """
        missing = [(each, sock) for each, sock in sockets.items() if (each.host, each.port) not in self.held]
        for start in range(0, len(missing), control.MAX_SOCKETS):
            part = missing[start : start + control.MAX_SOCKETS]
            self._channel.send(control.Sockets([each for each, _ in part]), [sock for _, sock in part])
        self._expect(control.Committed, generation)
        self._channel.send(control.Commit(generation))
        self.held = {(each.host, each.port) for each in sockets}

    def committed(self, generation: int) -> None:
        """Wait for the answer.

        :raises RelayedError: it could not, or has ended.
        """
        answer = self._wait(control.Committed, generation, COMMIT_LIMIT)
        if answer.text:
            raise RelayedError("listener", answer.text)
        self.generation = generation

    def begin_ask(self) -> int:
        """Ask for figures and status; gives the number of the question, for ``told``."""
        self._questions += 1
        self._expect(control.Told, self._questions)
        self._channel.send(control.Ask(self._questions))
        return self._questions

    def told(self, question: int, limit: float) -> control.Told:
        """Wait for the answer.

        :raises WorkerEnded: it has ended, or did not answer within *limit* seconds.
        """
        return self._wait(control.Told, question, limit)  # type: ignore[no-any-return]

    def kill(self, reason: str) -> None:
        """End it the hard way."""
        if self.alive:
            self.reason = self.reason or reason
            self._process.kill()

    def look(self, held_up: float = 0.0) -> None:
        """Kill it if it has given no sign of life for too long, not counting *held_up* seconds in which we did not run either."""
        self._last_beat = min(self._last_beat + held_up, self._reactor.now())
        limit = START_LIMIT if not self.ready else self._load_limit if self._loading else BEAT_LIMIT + self._settings.call_timeout
        silent = self._reactor.now() - self._last_beat
        if silent > limit:
            self.kill(f"killed, since it gave no sign of life for {silent:.0f} s")

    # -- hearing things ---------------------------------------------------------------------------------------------

    @property
    def _load_limit(self) -> float:
        return BEAT_LIMIT + 4 * self._settings.load_timeout

    def _expect(self, kind: type, number: int) -> None:
        self._answers[kind, number] = AsyncResult()

    def _wait(self, kind: type, number: int, limit: float) -> Any:
        expected = self._answers[kind, number]
        try:
            if not self._channel.is_open and not expected.ready():
                raise WorkerEnded("", f"{self.name} has ended: {self.reason}")
            return expected.get(timeout=limit)
        except Timeout:
            raise WorkerEnded("", f"{self.name} does not answer") from None
        finally:
            self._answers.pop((kind, number), None)

    def _receive(self, message: Message) -> None:
        self._last_beat = self._reactor.now()
        key: tuple[type, int] | None = None
        match message:
            case control.Loaded() | control.Failed():
                key = (control.Loaded, message.generation)
            case control.Committed():
                key = (control.Committed, message.generation)
            case control.Told():
                key = (control.Told, message.question)
            case control.Beat():
                return
            case _:
                self.ready = True
                self._spoke(self, message)
        if key in self._answers:
            self._answers[key].set(message)

    def _on_end(self, code: int) -> None:
        self.reason = self.reason or why(code)
        self._channel.close()
        error = WorkerEnded("", f"{self.name} has ended: {self.reason}")
        for expected in list(self._answers.values()):
            if not expected.ready():
                expected.set_exception(error)
        self._ended(self)


def interpreter_options(flags: Any) -> list[str]:
    """Options that let a new interpreter find its code where this one does, and nowhere else: not in the directory that it is in.

    What has to do with warnings and development is in the environment, if anywhere.

    :param flags: ``sys.flags``.
    """
    if flags.isolated:
        return ["-I"]
    return ["-P", *(option for name, option in _OPTIONS.items() if getattr(flags, name))]


def why(code: int) -> str:
    """What the exit code of a worker says, for people. Negative: the signal that ended it."""
    if code == FATAL_EXIT:
        return "its script used all memory it may have, or it was stuck (exit code 70)"
    number = -code if code < 0 else code - 128
    if number > 0:
        try:
            name = signal.Signals(number).name
        except ValueError:
            name = f"signal {number}"
        return f"killed by {name}" + (" (the script engine gave up)" if name in ("SIGABRT", "SIGTRAP", "SIGILL") else "")
    return f"exit code {code}"
