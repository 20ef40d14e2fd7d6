"""One trial of a script: it is loaded afresh, its ports and pipelines are driven, what it connects to is played by the test.

Everything here happens on the reactor's thread.
"""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pipy_core import faults
from pipy_core.codebase.snapshot import Snapshot
from pipy_core.events import Failure
from pipy_core.filter import Branch, Emit
from pipy_core.logs import get_logger
from pipy_core.net.tasks import TaskRunner
from pipy_core.script.host import Codebase
from pipy_core.script.isolate import HeapExhausted
from pipy_core.script.loading import load
from pipy_core.script.program import Program
from pipy_core.trial.bench import READ, Bench
from pipy_core.trial.children import Child, Command
from pipy_core.trial.links import Link
from pipy_core.trial.lookup import find_pipeline, find_port, find_task, inbound_of, listing
from pipy_core.trial.manner import Manner
from pipy_core.trial.streams import Client, Stream
from pipy_core.trial.surroundings import Surroundings
from pipy_core.trial.upstreams import Upstream

_REFUSING: Final = Manner(refuse=Failure.CONNECTION_REFUSED)
_bugs = get_logger("bug")


class Overlay(Codebase):
    """The files of a script, some of which a test has replaced.

    :param files: content by path from the root, such as ``/config/proxy.json``; None: there is no such file.
    """

    def __init__(self, snapshot: Snapshot, files: Mapping[str, bytes | None]) -> None:
        super().__init__(snapshot)
        self._files = files

    def stored(self, path: str) -> bytes | None:
        """See ``Codebase``."""
        return self._files[path] if path in self._files else super().stored(path)


class Trial:
    """A script, loaded when it is first needed, and everything a test does with it.

    :param script: the path of the script.
    :ivar files: what the test has replaced of the script's files: content by path from its root; None: there is no such file.
    :ivar upstreams: by address, such as ``localhost:8080``.
    :ivar commands: the programs that the script may run, by name or command line.
    :ivar exit_code: what the script has asked to exit with; None: it has not.
    """

    def __init__(self, bench: Bench, script: Path, files: Mapping[str, bytes | None] | None = None) -> None:
        self.files: dict[str, bytes | None] = dict(files or {})
        self.upstreams: dict[str, Upstream] = {}
        self.commands: dict[str, Command] = {}
        self.exit_code: int | None = None
        self.surroundings = Surroundings(self._report, self._dial, self._spawn)
        self._bench = bench
        self._script = script
        self._program: Program | None = None
        self._opened: list[Client | Stream] = []
        self._links: list[Branch] = []
        self._tasks: dict[int, TaskRunner] = {}
        self._numbers = itertools.count(1)
        bench.add_host_functions(
            {
                "test.now": lambda: round(self.surroundings.date * 1000),
                "pipy.exit": self._exit,
                "pipy.restart": lambda: None,
            }
        )

    @property
    def program(self) -> Program:
        """The script, loaded.

        :raises LoadError: it cannot be loaded.
        """
        if self._program is None:
            snapshot = Snapshot.of(self._script)
            codebase = Overlay(snapshot, self.files)
            settings = self._bench.settings
            outside = self.surroundings
            self._program = load(self._bench.engine, self._bench.registry, codebase, snapshot.main, outside, settings.load_timeout)
        return self._program

    @property
    def loaded(self) -> bool:
        """Whether the script has been loaded."""
        return self._program is not None

    # -- what a test drives -----------------------------------------------------------------------------------------

    def open(self, address: Any = None, options: Mapping[str, Any] | None = None) -> Client:
        """Connect to a port.

        :param address: as the script says it to ``listen``; a bare number stands for any address; None: the only one there is.
        :param options: ``remoteAddress``, ``remotePort``, ``localAddress``: what the script sees in ``__inbound``.
        :raises NotThere: there is no such port. :raises TypeError: an option is unknown.
        """
        port = find_port(self.program, address)
        inbound = inbound_of(options or {}, next(self._numbers), port.address[1])
        client = Client(self.surroundings, self.program, port, inbound)
        self._opened.append(client)
        return client

    def relay(self, port: Any, link: Link) -> Client:
        """Pass a connection of the script on to a port of its own. :raises NotThere: see ``open``."""
        found = find_port(self.program, port)

        def tap(payload: bytes | None) -> None:
            if payload is None:
                link.end()
            else:
                link.send(payload)

        client = Client(self.surroundings, self.program, found, inbound_of({}, next(self._numbers), found.address[1]), tap)
        self._opened.append(client)
        return client

    def stream(self, name: str, options: Mapping[str, Any] | None = None) -> Stream:
        """Run a named pipeline.

        :param options: as for ``open``, and ``module``: the file that declares it, such as ``plugins/router.js``.
        :raises NotThere: there is none. :raises TypeError: an option is unknown.
        """
        given = dict(options or {})
        pipeline = find_pipeline(self.program, given.pop("module", self._script.name), name)
        context = self.program.new_context(inbound_of(given, next(self._numbers), 0))
        stream = Stream(self.surroundings, self.program, pipeline, context)
        self._opened.append(stream)
        return stream

    def task(self, which: Any = None) -> TaskRunner:
        """A task of the script.

        :param which: what the script says to ``task``, or its number from 1; None: the only one there is.
        :raises NotThere: there is none.
        """
        task = find_task(self.program, which)
        if id(task) not in self._tasks:
            self._tasks[id(task)] = TaskRunner(self.surroundings, task.layout, task.interval, self.program.new_context)
        return self._tasks[id(task)]

    def variable(self, opened: Client | Stream, name: str) -> Any:
        """The value of a script variable in the context of *opened*.

        :raises ScriptError: there is no such variable.
        """
        return self._bench.tell(READ, opened.context.number, self.program.number, opened.module, name)

    def advance(self, seconds: float) -> None:
        """Let time pass. :raises TypeError: backwards."""
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < math.inf:
            raise TypeError(f"advance() expects seconds from 0 on, not {seconds!r}")
        self.surroundings.advance(seconds)

    def close(self) -> None:
        """The test is over: nothing of the script runs any more."""
        for task in self._tasks.values():
            self.surroundings.run(task.stop)
        for opened in self._opened:
            opened.abort()
        for link in self._links:
            link.close()
        if self._program is not None:
            self._program.retire()

    # -- what the script asks for -----------------------------------------------------------------------------------

    def _report(self, error: BaseException, where: str) -> None:
        if isinstance(error, HeapExhausted):
            raise error
        if self._program is not None:
            self._program.report(error, where)
        else:
            _bugs.error(faults.render_bug(error, where))

    def _dial(self, address: str, options: Any, reply: Emit) -> Branch:
        upstream = self.upstreams.get(address)
        if upstream is None:
            known = f"; it knows {listing(self.upstreams)}" if self.upstreams else ""
            self.surroundings.problems.append(
                f"the script connects to {address}, an upstream that the test does not describe{known}"
            )
            upstream = Upstream(address, manner=_REFUSING)
        link = Link(self.surroundings, upstream, options, reply)
        self._links.append(link)
        return link

    def _spawn(self, arguments: Sequence[str], reply: Emit, exited: Callable[[int], None]) -> Branch:
        line = " ".join(arguments)
        command = self.commands.get(line) or self.commands.get(arguments[0])
        if command is None:
            self.surroundings.problems.append(f"the script runs {line!r}, a program that the test does not describe")
            raise FileNotFoundError(2, "No such file or directory", arguments[0])
        child = Child(self.surroundings, command, arguments, reply, exited)
        self._links.append(child)
        return child

    def _exit(self, code: int = 0) -> None:
        self.exit_code = int(code)
