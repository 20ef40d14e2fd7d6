"""What the engine holds of things that live in a script: contexts, functions, values. Knows nothing of V8."""

from collections.abc import Callable
from enum import Enum
from typing import Any, Final

from pipy_core.errors import Place


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


class Group:
    """All contexts that descend from one connection or task. ``wait`` filters of a group are looked at again together."""

    __slots__ = ("_watchers",)

    def __init__(self) -> None:
        self._watchers: list[Callable[[], None]] = []

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call *callback* at every ``notify`` until the returned function is called."""
        self._watchers.append(callback)

        def stop() -> None:
            if callback in self._watchers:
                self._watchers.remove(callback)

        return stop

    def notify(self) -> None:
        """Something happened that a condition may depend on."""
        if self._watchers:
            for callback in list(self._watchers):
                callback()


class Context:
    """One set of script variables. The variables themselves are in the isolate; this is their number there.

    ``on_release`` is called with the number when nobody holds the context any more.

    :ivar alpn: the protocol that TLS has agreed on for the connection in this context (``h2``); empty if there is none.
    """

    __slots__ = ("_on_release", "alpn", "group", "inbound", "number")

    def __init__(self, number: int, group: Group, inbound: Any, on_release: Callable[[int], None]) -> None:
        self.number = number
        self.group = group
        self.inbound = inbound  # the connection this context began with, or None (tasks)
        self.alpn = ""
        self._on_release = on_release

    def __del__(self) -> None:
        self._on_release(self.number)
