"""What the engine holds of things that live in a script: contexts, functions, values. Knows nothing of V8."""

from collections.abc import Callable
from enum import Enum
from typing import Any, Final, Protocol

from pipy_core.counters import Tally
from pipy_core.errors import Place
from pipy_core.limits import DEFAULTS, Limits


class Undefined(Enum):
    """JavaScript's ``undefined``, which is not ``null`` (``None``). Falsy."""

    UNDEFINED = "undefined"

    def __bool__(self) -> bool:
        return False


UNDEFINED: Final = Undefined.UNDEFINED


class Function:
    """A function of the script, by its number in the isolate."""

    __slots__ = ("number", "place")

    def __init__(self, number: int, place: Place | None = None) -> None:
        self.number = number
        self.place = place or Place()

    def __repr__(self) -> str:
        return f"Function({self.number})"


class Identity:
    """A script object that Python knows by identity alone: equal to itself and to nothing else."""

    __slots__ = ("kind", "number")

    def __init__(self, number: int, kind: str = "Object") -> None:
        self.number = number
        self.kind = kind

    def __repr__(self) -> str:
        return f"Identity({self.number}, {self.kind!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Identity) and self.number == other.number

    def __hash__(self) -> int:
        return hash((Identity, self.number))


class ScriptDict(dict[str, Any]):
    """A plain object given as an argument at load time: its properties, and its number among the program's constants."""

    __slots__ = ("number",)
    number: int

    __hash__ = object.__hash__  # type: ignore[assignment]  # by identity, as in the script


class ScriptList(list[Any]):
    """An array given as an argument at load time: its elements, and its number among the program's constants."""

    __slots__ = ("number",)
    number: int

    __hash__ = object.__hash__  # type: ignore[assignment]  # by identity, as in the script


#: Counts for contexts that belong to no listener; nobody looks at it.
_NOBODY: Final = Tally("")


class Guard(Protocol):
    """Who knows, of one connection, what its client is waited for. It is looked at now and then.

    :ivar fresh: something has come from the client since it was last looked at.
    :ivar due: until then there is nothing to see, as long as nothing comes.
    """

    fresh: bool
    due: float

    def look(self, now: float, held: bool) -> str:
        """Why the client is waited for no longer, one of ``limits.CAUSES``; empty if it is.

        :param now: seconds. :param held: it is we who do not read from it.
        """

    def expire(self) -> None:
        """It is not: come to an end. In a turn."""

    @property
    def idle(self) -> bool:
        """Whether nothing would be lost if the connection ended."""


class Group:
    """All contexts that descend from one connection or task. ``wait`` filters of a group are looked at again together.

    :ivar tally: what its listener counts. :ivar limits: those of its port.
    :ivar guard: the filter that speaks with the client, if it is one that may be kept waiting for too long.
    """

    __slots__ = ("_watchers", "guard", "limits", "tally")

    def __init__(self) -> None:
        self._watchers: list[Callable[[], None]] | None = None  # most have none
        self.tally = _NOBODY
        self.limits: Limits = DEFAULTS
        self.guard: Guard | None = None

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call *callback* at every ``notify`` until the returned function is called."""
        watchers = self._watchers
        if watchers is None:
            watchers = self._watchers = []
        watchers.append(callback)

        def stop() -> None:
            if callback in watchers:
                watchers.remove(callback)

        return stop

    def notify(self) -> None:
        """Something happened that a condition may depend on."""
        if self._watchers:
            for callback in list(self._watchers):
                callback()


class Context:
    """One set of script variables. The variables themselves are in the isolate; this is their number there.

    ``on_release`` is called with the number when nobody holds the context any more.

    :ivar via: the context in which this one's stream reached a server, if that is another one: that of a shared session.
    :ivar alpn: the protocol that TLS has agreed on for the connection in this context (``h2``); empty if there is none.
    """

    __slots__ = ("_on_release", "_upstream", "alpn", "group", "inbound", "number", "via")

    def __init__(self, number: int, group: Group, inbound: Any, on_release: Callable[[int], None]) -> None:
        self.number = number
        self.group = group
        self.inbound = inbound  # the connection this context began with, or None (tasks)
        self.alpn = ""
        self._upstream = ""
        self.via: Context | None = None
        self._on_release = on_release

    @property
    def upstream(self) -> str:
        """The server that was asked last, as ``host:port``; empty if none was."""
        return self._upstream if self.via is None else self.via.upstream

    @upstream.setter
    def upstream(self, server: str) -> None:
        self._upstream = server

    def __del__(self) -> None:
        self._on_release(self.number)
