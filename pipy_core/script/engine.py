"""Calls from Python into the script: contexts and values go in front of a call, what it changed comes back behind it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import resources
from time import monotonic
from typing import Any, Final

import msgspec.json

from pipy_core import faults
from pipy_core.context import UNDEFINED, Context, Function
from pipy_core.errors import LoadError, Place, ScriptError
from pipy_core.events import Data
from pipy_core.logs import get_logger
from pipy_core.registry import Registry
from pipy_core.script import engines
from pipy_core.script.codec import PINNED_LIMIT, Codec
from pipy_core.script.contexts import RELEASE, Contexts, OnRelease
from pipy_core.script.fault import Fault, uncaught
from pipy_core.script.host import Codebase, HostFunctions
from pipy_core.script.isolate import Terminated, Uncaught
from pipy_core.script.spelling import respelled

#: The JavaScript half, in the order in which it is evaluated; the room of the engine follows the first.
RUNTIME: Final = ("entry", "data", "natives", "events", "contexts", "program", "globals")
_log = get_logger("pjs")
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Engine:
    """The isolate with its codec and its contexts: everything of a worker that survives a reload.

    :param heap_limit: bytes of heap of the scripts.
    :param call_timeout: seconds one call of a script function may take.
    :param rooms: sources of further rooms of the runtime, such as the test kit's.
    :param engine: what runs the scripts, see ``engines``.
    :raises EngineMissing: it is not installed.
    :ivar seconds: how long scripts have run, from start to end of each crossing. :ivar errors: how many of their calls have failed.
    """

    def __init__(
        self, registry: Registry, heap_limit: int, call_timeout: float, rooms: Sequence[str] = (), engine: str = "auto"
    ) -> None:
        self.codec = Codec()
        self.host = HostFunctions(self.codec, registry.functions())
        self.isolate = engines.make(engine, heap_limit, self.host.answer)
        self._call_timeout = call_timeout
        self.seconds = 0.0
        self.errors = 0
        self.contexts = Contexts()
        self._foreseen: list[tuple[int, int, Any]] = []  # context, function and result of the calls that are answered already
        self._sweep_at = PINNED_LIMIT
        files = resources.files("pipy_core.script.runtime")
        names = (RUNTIME[0], self.isolate.room, *RUNTIME[1:])
        self.isolate.prepare(
            [*((files / f"{name}.js").read_text("utf-8") for name in names), *rooms],
            registry.sources(),
            [(spec.name, spec.loads_modules) for spec in registry.filters()],
        )

    def fork_contexts(
        self, context: Context, program: int, module: str, function: int, constant: int, on_release: OnRelease
    ) -> list[Context]:
        """See ``Host.fork_contexts``; one crossing for all."""
        self._foreseen = []
        first = self.contexts.next_number()
        count = self._operate("fork", self._call_timeout, context.number, first, program, module, function, constant)
        if count < 0:
            raise TypeError("invalid initializer list")
        return self.contexts.made(context, first, count, on_release)

    def _take_commands(self) -> bytes:
        if self.codec.lent:
            self.codec.lent.clear()
        released = self.codec.released
        commands = self.contexts.take()
        if released:
            for number in self.codec.take_released():
                commands += (RELEASE, number)
        return _encode(commands) if commands else b"0"

    # -- calls ------------------------------------------------------------------------------------------------------

    def call(
        self,
        program: int,
        context: Context,
        function: Function,
        args: tuple[Any, ...],
        ahead: tuple[Function, ...] = (),
        plain: bool = False,
    ) -> Any:
        """Call a function of the script.

        :param ahead: functions without arguments that will be called next in this context, each if the one before gives something
            true: they are called in the same crossing, and what they gave is the answer to those calls. No result then.
        :param plain: see ``Host.call``.
        :raises ScriptError: it threw or took too long.
        """
        if self._foreseen:
            expected, self._foreseen = self._foreseen[0], self._foreseen[1:]
            if not args and expected[:2] == (context.number, function.number):
                return self._known(expected[2])
            self._foreseen = []
        heads: list[bytes] = []  # each on a line of its own behind the request: read only if the script looks at it
        sent = b",".join([self.codec.json(value, heads) for value in args])
        functions = _encode([each.number for each in ahead]) if ahead else b"[]"
        whose = (program, function.number, context.number)
        request = b"[%b,%d,%d,%d,[%b],%b%b]" % (self._take_commands(), *whose, sent, functions, b",1" if plain else b"")
        try:
            answer = self._cross(b"\n".join((request, *heads)) if heads else request, self._call_timeout)
        except (Terminated, Uncaught) as error:
            self.errors += 1
            raise ScriptError("Error", f"the script was {error}", function.place) from None
        try:
            if not answer:
                return UNDEFINED
            return self._result(answer, args, context, ahead)
        finally:
            if self.codec.pinned > self._sweep_at:  # not earlier: the answer may be made of payloads that only it refers to
                self._sweep()

    def _cross(self, request: bytes, budget: float) -> bytes:
        begun = monotonic()
        try:
            return self.isolate.call(request, budget)
        finally:
            self.seconds += monotonic() - begun

    def _result(self, answer: bytes, args: tuple[Any, ...], context: Context, ahead: tuple[Function, ...]) -> Any:
        if answer[:1] == b"!":
            self.errors += 1
            raise Fault(answer[1:])
        value, *changes = _decode(answer)
        if changes:
            self._apply(changes, args)
        if ahead:
            self._foreseen = [(context.number, each.number, result) for each, result in zip(ahead, value["l"], strict=False)]
            return UNDEFINED
        return self.codec.value(value)

    def _known(self, result: Any) -> Any:
        if type(result) is dict and "x" in result:
            self.errors += 1
            raise Fault(result["x"])
        return self.codec.value(result)

    def _apply(self, changes: list[Any], args: tuple[Any, ...]) -> None:
        heads, pieces = changes
        if heads is not None:
            self.codec.apply(heads)
        if pieces is not None:
            data = args[0]
            assert isinstance(data, Data)
            data.payload = self.codec.payload(pieces)

    def ask(self, name: str, *args: Any) -> Any:
        """Call what a script source has offered with ``runtime.provide``; arguments and result are JSON-like.

        :raises ScriptError: it threw or took too long.
        """
        return self._operate("ask", self._call_timeout, name, *args)

    def count(self) -> dict[str, int]:
        """How many contexts, heads and programs the script holds; for tests that look for leaks."""
        counts: dict[str, int] = self._operate("count", self._call_timeout)
        return counts

    def _rejected(self, fault: str, codebase: Codebase) -> None:
        """A promise that a callback gave was rejected, and nobody else will hear of it."""
        error = Fault(fault).placed(codebase)
        error.kind = f"Unhandled rejection: {error.kind}"
        _log.error("\n".join(faults.render(error)))

    def _sweep(self) -> None:
        """Ask the script which payloads it really holds. The next time is when there is as much again."""
        self.codec.unpin(self._operate("sweep", self._call_timeout))
        self._sweep_at = self.codec.pinned + PINNED_LIMIT

    def _operate(self, name: str, budget: float, *args: Any) -> Any:
        try:
            answer = self._cross(b"[%b,%b" % (self._take_commands(), _encode((name, *args))[1:]), budget)
        except Terminated as error:
            raise ScriptError("Error", f"the script was {error}") from None
        if answer[:1] == b"!":
            raise Fault(answer[1:])
        return _decode(answer)

    # -- loading ----------------------------------------------------------------------------------------------------

    def load(
        self, program: int, main: str, codebase: Codebase, budget: float, loaded: Callable[[str], None]
    ) -> list[dict[str, Any]]:
        """Evaluate the script *main* and the modules it uses; give the description of their layouts.

        :param loaded: called with the path of each module when it has been evaluated.
        :raises LoadError: the script cannot be loaded; says where.
        """
        loading = [main]
        unloadable: list[str] = []
        self.host.add("pipy.source", codebase.source)
        self.host.add("pipy.respelled", respelled)
        self.host.codebase = codebase
        self.host.add("pipy.loading", loading.append)
        self.host.add("pipy.unloadable", unloadable.append)
        self.host.add("pipy.evaluated", loaded)
        self.host.add("pipy.rejected", lambda fault: self._rejected(fault, codebase))
        try:
            described: list[dict[str, Any]] = self._operate("load", budget, program, main)
        except Fault as fault:
            error = self._located(loading[-1], codebase) if fault.is_syntax else fault.placed(codebase, Place(loading[-1]))
            raise LoadError(error.kind, error.message, error.place, error.stack, tuple(unloadable)) from None
        except ScriptError as error:
            raise LoadError(error.kind, error.message, Place(loading[-1])) from None
        return described

    def _located(self, path: str, codebase: Codebase) -> ScriptError:
        """The syntax error in the script at *path*, which V8 places only when nobody catches it."""
        try:
            # without the queued commands: the runtime knows this request by how it begins
            self.isolate.call(b"[0,%b" % _encode(("locate", path))[1:], self._call_timeout)
        except Uncaught as fault:
            error = uncaught(str(fault), path)
            if error.place is not None and error.place.line:  # what V8 shows may be respelled
                error.place = replace(error.place, source=codebase.line(path, error.place.line))
            return error
        return ScriptError("SyntaxError", "invalid script", Place(path))
