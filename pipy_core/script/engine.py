"""Calls from Python into the script: contexts and values go in front of a call, what it changed comes back behind it.

Creating, cloning and dropping contexts needs no crossing of its own: the commands queue up and ride in front of the next call,
and a context that is dropped before that is never made.
"""

import itertools
from collections.abc import Callable
from importlib import resources
from typing import Any, Final

import msgspec.json

from pipy_core import faults
from pipy_core.context import UNDEFINED, Context, Function, Group
from pipy_core.errors import LoadError, Place, ScriptError
from pipy_core.events import Data
from pipy_core.logs import get_logger
from pipy_core.registry import Registry
from pipy_core.script.codec import PINNED_LIMIT, Codec
from pipy_core.script.fault import Fault, uncaught
from pipy_core.script.host import Codebase, HostFunctions
from pipy_core.script.isolate import Isolate, Terminated, Uncaught

#: The JavaScript half, in the order in which it is evaluated.
RUNTIME: Final = ("entry", "data", "events", "contexts", "program", "globals")
#: Commands that ride in front of a call; ``runtime/contexts.js`` has the same numbers.
NEW, CLONE, DROP, GONE, RELEASE, FORGET = range(1, 7)

OnRelease = Callable[[int], None]

_log = get_logger("pjs")
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Engine:
    """The isolate with its codec and its queue of commands: everything of a worker that survives a reload.

    :param heap_limit: bytes of V8 heap.
    :param call_timeout: seconds one call of a script function may take.
    """

    def __init__(self, registry: Registry, heap_limit: int, call_timeout: float) -> None:
        self.codec = Codec()
        self.host = HostFunctions(self.codec, registry.functions())
        self.isolate = Isolate(heap_limit, self.host.answer)
        self._call_timeout = call_timeout
        self._commands: dict[object, tuple[Any, ...]] = {}  # by context number, negative for drops
        self._parents: dict[int, int] = {}  # queued contexts that queued commands copy, and how many do
        self._numbers = itertools.count(1)
        self._foreseen: list[tuple[int, int, Any]] = []  # context, function and result of the calls that are answered already
        self._sweep_at = PINNED_LIMIT
        files = resources.files("pipy_core.script.runtime")
        self.isolate.prepare(
            [(files / f"{room}.js").read_text("utf-8") for room in RUNTIME],
            registry.sources(),
            [(spec.name, spec.loads_modules) for spec in registry.filters()],
        )

    # -- contexts ---------------------------------------------------------------------------------------------------

    def new_context(self, program: int, inbound: tuple[Any, ...] | None, on_release: OnRelease) -> Context:
        """A context with the initial values of all variables of *program*.

        :param on_release: called with its number when nobody holds it any more; must lead to ``drop``.
        """
        number = next(self._numbers)
        self._commands[number] = (NEW, number, program, inbound)
        return Context(number, Group(), inbound, on_release)

    def clone_context(self, context: Context, on_release: OnRelease) -> Context:
        """A copy of *context* as it is now."""
        number = next(self._numbers)
        if context.number in self._commands:
            self._parents[context.number] = self._parents.get(context.number, 0) + 1
        self._commands[number] = (CLONE, number, context.number)
        return Context(number, context.group, context.inbound, on_release)

    def idle_context(self, inbound: tuple[Any, ...] | None = None, group: Group | None = None) -> Context:
        """A context for a program without any function: the script will never hear of it."""
        return Context(next(self._numbers), group or Group(), inbound, _nothing)

    def fork_contexts(
        self, context: Context, program: int, module: str, function: int, constant: int, on_release: OnRelease
    ) -> list[Context]:
        """See ``Host.fork_contexts``; one crossing for all."""
        self._foreseen = []
        first = next(self._numbers)
        count = self._operate("fork", self._call_timeout, context.number, first, program, module, function, constant)
        if count < 0:
            raise TypeError("invalid initializer list")
        self._numbers = itertools.count(first + count + 1)
        return [Context(first + index, context.group, context.inbound, on_release) for index in range(count)]

    def gone(self, context: Context) -> None:
        """The connection that *context* began with is closed: ``__inbound`` becomes null in it and all its copies."""
        number = context.number
        if number not in self._commands or number in self._parents:
            self._commands["gone", number] = (GONE, number)

    def drop(self, number: int) -> None:
        """Nobody holds the context of this number any more."""
        if number in self._commands and number not in self._parents:
            self._unmake(number)
        else:
            self._commands[-number] = (DROP, number)

    def _unmake(self, number: int) -> None:
        """Take back the command that would make a context nobody needs, and that of its parent if it was for this one alone."""
        self._commands.pop(("gone", number), None)
        command, _, parent, *_ = self._commands.pop(number)
        if command == CLONE and parent in self._parents:
            self._parents[parent] -= 1
            if not self._parents[parent]:
                del self._parents[parent]
                if self._commands.pop(-parent, None) is not None:
                    self._unmake(parent)

    def drop_program(self, program: int) -> None:
        """The script may forget a generation; none of its contexts may be used any more."""
        self._commands[-next(self._numbers)] = (FORGET, program)

    def _take_commands(self) -> bytes:
        released = self.codec.released
        if not self._commands and not released:
            return b"0"
        # a context may be collected at any moment and queue its command: into the next queue, not the one that is read
        queued, self._commands, self._parents = self._commands, {}, {}
        commands: list[Any] = list(itertools.chain.from_iterable(queued.values()))
        for number in self.codec.take_released() if released else ():
            commands += (RELEASE, number)
        return _encode(commands)

    # -- calls ------------------------------------------------------------------------------------------------------

    def call(
        self, program: int, context: Context, function: Function, args: tuple[Any, ...], ahead: tuple[Function, ...] = ()
    ) -> Any:
        """Call a function of the script.

        :param ahead: functions without arguments that will be called next in this context, each if the one before gives something
            true: they are called in the same crossing, and what they gave is the answer to those calls. No result then.
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
        request = b"[%b,%d,%d,%d,[%b],%b]" % (self._take_commands(), program, function.number, context.number, sent, functions)
        try:
            answer = self.isolate.call(b"\n".join((request, *heads)) if heads else request, self._call_timeout)
        except (Terminated, Uncaught) as error:
            raise ScriptError("Error", f"the script was {error}", function.place) from None
        try:
            if not answer:
                return UNDEFINED
            if answer[:1] == b"!":
                raise Fault(answer[1:])
            value, *changes = _decode(answer)
            if changes:
                self._apply(changes, args)
            if ahead:
                self._foreseen = [(context.number, each.number, result) for each, result in zip(ahead, value["l"], strict=False)]
                return UNDEFINED
            return self.codec.value(value)
        finally:
            if self.codec.pinned > self._sweep_at:  # not earlier: the answer may be made of payloads that only it refers to
                self._sweep()

    def _known(self, result: Any) -> Any:
        if type(result) is dict and "x" in result:
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
            answer = self.isolate.call(b"[%b,%b" % (self._take_commands(), _encode((name, *args))[1:]), budget)
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
        self.host.add("pipy.load", codebase.read)
        self.host.add("pipy.loading", loading.append)
        self.host.add("pipy.unloadable", unloadable.append)
        self.host.add("pipy.evaluated", loaded)
        self.host.add("pipy.rejected", lambda fault: self._rejected(fault, codebase))
        try:
            described: list[dict[str, Any]] = self._operate("load", budget, program, main)
        except Fault as fault:
            error = self._located(loading[-1]) if fault.is_syntax else fault.placed(codebase, Place(loading[-1]))
            raise LoadError(error.kind, error.message, error.place, error.stack, tuple(unloadable)) from None
        except ScriptError as error:
            raise LoadError(error.kind, error.message, Place(loading[-1])) from None
        return described

    def _located(self, path: str) -> ScriptError:
        """The syntax error in the script at *path*, which V8 places only when nobody catches it."""
        try:
            self._operate("locate", self._call_timeout, path)
        except Uncaught as error:
            return uncaught(str(error), path)
        return ScriptError("SyntaxError", "invalid script", Place(path))


def _nothing(_number: int) -> None:
    """A context that the script never heard of needs no dropping."""
