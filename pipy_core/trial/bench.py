"""The isolate in which scripts are tried, and the functions by which Python calls the test kit's half there (``kit.js``)."""

import threading
from collections.abc import Callable
from importlib import resources
from typing import Any, Final

from pipy_core.context import Context, Function, Group
from pipy_core.registry import Registry
from pipy_core.script.engine import Engine
from pipy_core.settings import Settings

#: The program under which ``kit.js`` keeps its functions, and their numbers there.
KIT: Final = -1
BEGIN, DONE, FAILED, ASK, ASSIGN_GIVEN, ASSIGN, READ = range(7)

#: All isolates of a process share one event loop.
_in_use: Final = threading.Lock()


class Bench:
    """An engine with the test kit in it.

    :raises RuntimeError: there is one already, which is not disposed of.
    """

    def __init__(self, registry: Registry, settings: Settings) -> None:
        if not _in_use.acquire(blocking=False):
            raise RuntimeError("another script is being tested in this process: one isolate at a time")
        self.registry = registry
        self.settings = settings
        try:
            self._build(registry, settings)
        except BaseException:
            _in_use.release()
            raise

    def _build(self, registry: Registry, settings: Settings) -> None:
        kit = (resources.files("pipy_core.trial") / "kit.js").read_text("utf-8")
        self.engine = Engine(registry, settings.heap_limit_mb * 1024 * 1024, settings.call_timeout, [kit], settings.engine)
        self._nowhere = Context(0, Group(), None, lambda _number: None)
        self.add_host_functions({"test.now": lambda: 0.0})

    def add_host_functions(self, functions: dict[str, Callable[..., Any]]) -> None:
        """Let the kit, and scripts, call these; they replace others of the same names."""
        for name, function in functions.items():
            self.engine.host.add(name, function)

    def dispose(self) -> None:
        """Free the isolate; it must not run any more."""
        self.engine.isolate.dispose()
        _in_use.release()

    def tell(self, function: int, *args: Any) -> Any:
        """Call a function of the kit.

        :raises ScriptError: it threw, or a test took too long on the way.
        """
        return self.engine.call(KIT, self._nowhere, Function(function), args, plain=True)
