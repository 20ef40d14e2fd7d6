"""V8's binding, as thin as it gets: the functions that the isolate needs, with handles as plain addresses. Nobody else imports it.

The binding's own prototypes wrap every handle in ctypes pointer objects; as integers the same calls cost half. The three that
each script call needs keep the interpreter lock: they only post, allocate and free, and taking it again costs more than they do.
"""

import ctypes
import struct
import sys
from collections.abc import Callable
from typing import Any, Final

from py_mini_racer import init_mini_racer

STRING: Final = 5
FIRST_ERROR: Final = 200
#: The error of a task that was cancelled.
TERMINATED: Final = 204
#: macOS gives threads that Python did not start 512 KB of stack; V8 must end a deep recursion before that is used up.
STACK_KB: Final = 400 if sys.platform == "darwin" else 900
FLAGS: Final = ("--single-threaded", "--allow-natives-syntax", "--expose-gc", f"--stack-size={STACK_KB}")

#: What V8 calls: the number given with a task (or a function made by ``mr_make_js_callback``), and a handle.
CALLBACK: Final = ctypes.CFUNCTYPE(None, ctypes.c_uint64, ctypes.c_void_p)

_ADDRESS, _NUMBER = ctypes.c_void_p, ctypes.c_uint64
_PROTOTYPES: Final[dict[str, tuple[Any, tuple[Any, ...]]]] = {
    "mr_init_context": (_NUMBER, (CALLBACK,)),
    "mr_free_context": (None, (_NUMBER,)),
    "mr_set_hard_memory_limit": (None, (_NUMBER, ctypes.c_size_t)),
    "mr_hard_memory_limit_reached": (ctypes.c_bool, (_NUMBER,)),
    "mr_eval": (_NUMBER, (_NUMBER, _ADDRESS, _NUMBER)),
    "mr_cancel_task": (None, (_NUMBER, _NUMBER)),
    "mr_make_js_callback": (_ADDRESS, (_NUMBER, _NUMBER)),
    "mr_set_object_item": (_ADDRESS, (_NUMBER, _ADDRESS, _ADDRESS, _ADDRESS)),
    "mr_heap_stats": (_ADDRESS, (_NUMBER,)),  # waits for the isolate's thread: not to be called there
    "mr_value_count": (ctypes.c_size_t, (_NUMBER,)),
    "mr_v8_version": (ctypes.c_char_p, ()),
}
_QUICK: Final[dict[str, tuple[Any, tuple[Any, ...]]]] = {
    "mr_alloc_string_val": (_ADDRESS, (_NUMBER, ctypes.c_char_p, _NUMBER, ctypes.c_uint8)),
    "mr_call_function": (_NUMBER, (_NUMBER, _ADDRESS, _ADDRESS, _ADDRESS, _NUMBER)),
    "mr_free_value": (None, (_NUMBER, _ADDRESS)),
}
#: V8's own ``Isolate::TryGetCurrent`` and ``Isolate::GetHeapStatistics``.
_CURRENT: Final = "_ZN2v87Isolate13TryGetCurrentEv"
_GET_STATISTICS: Final = "_ZN2v87Isolate17GetHeapStatisticsEPNS_14HeapStatisticsE"
#: Words of its ``HeapStatistics``, with room for more than there are; which are the heap's size, what is in use, and V8's limit.
_WORDS: Final = 64
_TOTAL, _USED, _LIMIT = 0, 4, 5
#: A value behind a handle: its content or where that is, its length, its type.
_VALUE: Final = struct.Struct("=QQB")

_string_at = ctypes.string_at


class V8:
    """The functions of the binding, by their names there."""

    def __init__(self, library: str) -> None:
        for load, prototypes in ((ctypes.CDLL, _PROTOTYPES), (ctypes.PyDLL, _QUICK)):
            loaded = load(library)
            for name, (result, arguments) in prototypes.items():
                function = getattr(loaded, name)
                function.restype = result
                function.argtypes = arguments
                setattr(self, name, function)

        self._library = ctypes.PyDLL(library)

    def heap_meter(self, used: int, limit: int) -> Callable[[], int] | None:
        """What tells the bytes in use on the heap of the isolate whose thread this is, to be called on this thread.

        ``mr_heap_stats`` cannot be used there: it waits for a task of that thread.

        :param used, limit: what ``mr_heap_stats`` has told just before: the numbers of V8 are known by them.
        :returns: None where this build hides V8, or lays its numbers out in another way.
        """
        if not (hasattr(self._library, _CURRENT) and hasattr(self._library, _GET_STATISTICS)):
            return None
        current, get_statistics = getattr(self._library, _CURRENT), getattr(self._library, _GET_STATISTICS)
        current.restype, get_statistics.restype = ctypes.c_void_p, None
        isolate, words = ctypes.c_void_p(current()), (ctypes.c_size_t * _WORDS)()

        def in_use() -> int:
            get_statistics(isolate, words)
            return words[_USED]

        near = isolate and abs(in_use() - used) < used // 4
        return in_use if near and words[_USED] <= words[_TOTAL] and words[_LIMIT] == limit else None

    def __getattr__(self, name: str) -> Any:
        """Only for the type checker: every function is an attribute of the instance."""
        raise AttributeError(name)


_v8: V8 | None = None


def initialize() -> V8:
    """V8, started once per process with the flags that the isolate needs."""
    global _v8  # noqa: PLW0603  # V8 can be started only once per process
    if _v8 is None:
        _v8 = V8(init_mini_racer(flags=FLAGS)._name)  # where the binding has found its library
    return _v8


def v8_version() -> str:
    """The version of V8, such as ``14.4.258.23``."""
    return str(initialize().mr_v8_version().decode())


def read(handle: int) -> tuple[int, int, int]:
    """Content or address, length and type of the value behind *handle*."""
    content, length, kind = _VALUE.unpack(_string_at(handle, _VALUE.size))
    return content, length, kind


def text(handle: int) -> str:
    """The text behind *handle*: a string or the words of an error."""
    content, length, _ = read(handle)
    return _string_at(content, length).decode("utf-8", "replace") if length else ""
