"""QuickJS' binding: its context as it is, and what it does not offer: a way to stop a script, and the memory in use at no cost.

``Context.set_time_limit`` excludes host functions. But the binding's module is QuickJS itself, as a shared library, and its
``JS_SetInterruptHandler`` does what is needed. Where a build hides it, or lays its context out in another way, a script cannot be
stopped: the watchdog then ends the process. ``Context.memory`` walks through the whole heap; the number that is wanted stands at
the beginning of the runtime. Nobody else imports the binding.
"""

import ctypes
import importlib.metadata
from collections.abc import Callable
from typing import Any, Final

import _quickjs
from quickjs import Context, JSException

__all__ = ["Context", "JSException", "interrupter", "memory_meter", "quickjs_version"]

_HANDLER: Final = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
#: Kept for ever: QuickJS holds a bare pointer to it.
_STOP: Final = _HANDLER(lambda _runtime, _opaque: 1)
_GO_ON: Final = _HANDLER()
#: Bytes of a Context behind Python's own of every object. The runtime is the first of its members.
_MEMBERS: Final = 64
#: The runtime begins with five functions of its allocator, then come its counters: blocks, bytes, the limit in bytes.
_COUNTERS: Final = 5 * ctypes.sizeof(ctypes.c_void_p)


def interrupter(context: Any) -> Callable[[bool], None] | None:
    """What stops the script that runs in *context*, or may run in it again; None where this build does not allow it.

    It may be called on any thread: all it does is to store a pointer.
    """
    library = ctypes.PyDLL(_quickjs.__file__)
    runtime = _runtime(library, context)
    if runtime is None or not hasattr(library, "JS_SetInterruptHandler"):
        return None
    install = library.JS_SetInterruptHandler
    install.restype = None
    install.argtypes = (ctypes.c_void_p, _HANDLER, ctypes.c_void_p)

    def interrupt(stop: bool) -> None:
        install(runtime, _STOP if stop else _GO_ON, None)

    return interrupt


def memory_meter(context: Any, limit: int) -> Callable[[], int] | None:
    """What tells how many bytes *context* has in use, on any thread and at no cost; None where this build does not allow it.

    :param limit: its memory limit, which has been set: the counters are known by it.
    """
    runtime = _runtime(ctypes.PyDLL(_quickjs.__file__), context)
    if runtime is None:
        return None
    _blocks, size, its_limit = (ctypes.c_size_t * 3).from_address(runtime + _COUNTERS)
    if (size, its_limit) != (context.memory()["malloc_size"], limit):
        return None
    in_use = ctypes.c_size_t.from_address(runtime + _COUNTERS + ctypes.sizeof(ctypes.c_size_t))
    return lambda: in_use.value


def _runtime(library: Any, context: Any) -> int | None:
    """The address of the runtime of *context*; None where the binding keeps it in another way."""
    at = object.__basicsize__
    if Context.__basicsize__ != at + _MEMBERS or not hasattr(library, "JS_GetRuntimeOpaque"):
        return None
    runtime = ctypes.c_void_p.from_address(id(context) + at).value
    library.JS_GetRuntimeOpaque.restype = ctypes.c_void_p
    library.JS_GetRuntimeOpaque.argtypes = (ctypes.c_void_p,)
    return runtime if library.JS_GetRuntimeOpaque(runtime) == id(context) else None


def quickjs_version() -> str:
    """The version of the binding, whose first three numbers are those of QuickJS (quickjs-ng), such as ``0.17.0.2``."""
    return importlib.metadata.version("quickjs-ng")
