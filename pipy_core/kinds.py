"""The kinds of values that a filter's parameters may have, and how a script's value is checked against one.

Every kind has ``check(value)``, which gives the value as the filter wants it or raises ``ArgumentError`` with what was expected.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Final

from pipy_core.context import UNDEFINED, Function, Identity, ScriptDict, ScriptList
from pipy_core.errors import ArgumentError
from pipy_core.events import Data, Message, MessageEnd, MessageStart, StreamEnd
from pipy_core.kit import units


def absent(value: Any) -> bool:
    """Whether an argument counts as not given (``undefined`` and ``null`` both do)."""
    return value is None or value is UNDEFINED


def describe(value: Any) -> str:
    """What a user gave, in a user's words."""
    if absent(value):
        return "undefined" if value is UNDEFINED else "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"the number {value:g}"
    if isinstance(value, str):
        return f"the string {value!r}"
    for kinds, words in _WORDS_FOR:
        if isinstance(value, kinds):
            return words
    if isinstance(value, Identity):
        return f"an instance of {value.kind}"
    return f"an instance of {type(value).__name__}"


_WORDS_FOR: Final[list[tuple[type | tuple[type, ...], str]]] = [
    (Function, "a function"),
    (list, "an array"),
    (dict, "an object"),
]


class Kind(ABC):
    """A type of parameter."""

    #: What error messages and the reference say is expected: "a number".
    words: str
    #: Its TypeScript type.
    typescript: str

    @abstractmethod
    def accepts(self, value: Any) -> bool:
        """Whether *value* is of this kind at all; used to choose between forms of a call."""

    def check(self, value: Any) -> Any:
        """*value* as the filter wants it.

        :raises ArgumentError: the text says what was expected and given.
        """
        if not self.accepts(value):
            raise ArgumentError(f"expects {self.words}, given {describe(value)}")
        return value


@dataclass(frozen=True)
class Simple(Kind):
    """A value of some Python types."""

    words: str
    typescript: str
    types: tuple[type, ...]

    def accepts(self, value: Any) -> bool:
        """See ``Kind``. Booleans are not numbers."""
        return isinstance(value, self.types) and (not isinstance(value, bool) or bool in self.types)


STRING: Final = Simple("a string", "string", (str,))
BOOLEAN: Final = Simple("a boolean", "boolean", (bool,))
FUNCTION: Final = Simple("a function", "(...args: any[]) => any", (Function,))
OBJECT: Final = Simple("an object", "object", (ScriptDict,))
ARRAY: Final = Simple("an array", "any[]", (ScriptList,))
MESSAGE: Final = Simple("an instance of Message", "Message", (Message,))
DATA: Final = Simple("an instance of Data", "Data", (Data,))
EVENT: Final = Simple("an event or a Message", "PipyEvent | Message", (Data, MessageStart, MessageEnd, StreamEnd, Message))


@dataclass(frozen=True)
class Number(Kind):
    """A number within bounds."""

    low: float = -math.inf
    high: float = math.inf
    words: str = "a number"
    typescript: str = "number"

    def accepts(self, value: Any) -> bool:
        """See ``Kind``."""
        return isinstance(value, int | float) and not isinstance(value, bool)

    def check(self, value: Any) -> Any:
        """See ``Kind``."""
        number = super().check(value)
        if not self.low <= number <= self.high:
            raise ArgumentError(f"expects {self.words}{self._bounds()}, given {describe(value)}")
        return number

    def _bounds(self) -> str:
        if self.high < math.inf:
            return f" between {self.low:g} and {self.high:g}"
        return f" not below {self.low:g}" if self.low > -math.inf else ""


NUMBER: Final = Number()


@dataclass(frozen=True)
class Duration(Kind):
    """Seconds, as a number or a string with a unit. Given to the filter as ``float`` seconds."""

    words: str = "a duration (a number of seconds or a string such as '5s')"
    typescript: str = "number | string"

    def accepts(self, value: Any) -> bool:
        """See ``Kind``."""
        return isinstance(value, int | float | str) and not isinstance(value, bool)

    def check(self, value: Any) -> float:
        """See ``Kind``."""
        if not self.accepts(value):
            raise ArgumentError(f"requires a number or a string such as '5s', given {describe(value)}")
        try:
            result = units.seconds(value) if isinstance(value, str) else float(value)
        except ValueError as error:
            raise ArgumentError(f"expects {error}") from None
        if math.isnan(result) or result < 0:
            raise ArgumentError(f"expects {self.words}, given {describe(value)}")
        return result


@dataclass(frozen=True)
class Size(Kind):
    """Bytes, as a number or a string with a unit. Given to the filter as ``int`` bytes."""

    words: str = "a size (a number of bytes or a string such as '64k')"
    typescript: str = "number | string"

    def accepts(self, value: Any) -> bool:
        """See ``Kind``."""
        return isinstance(value, int | float | str) and not isinstance(value, bool)

    def check(self, value: Any) -> int:
        """See ``Kind``."""
        if not self.accepts(value):
            raise ArgumentError(f"requires a number or a string such as '64k', given {describe(value)}")
        try:
            return units.size(value) if isinstance(value, str) else int(value)
        except (ValueError, OverflowError):
            raise ArgumentError(f"expects {self.words}, given {describe(value)}") from None


DURATION: Final = Duration()
SIZE: Final = Size()


@dataclass(frozen=True)
class Anything(Kind):
    """Any value at all, undefined included."""

    words: str = "any value"
    typescript: str = "any"

    def accepts(self, value: Any) -> bool:
        """See ``Kind``."""
        return True


ANY: Final = Anything()


@dataclass(frozen=True)
class Pipeline(Kind):
    """The name of a sub-pipeline of the same module. Given to the filter as a ``Target``, or None where ``or_empty`` and ''."""

    or_empty: bool = False
    words: str = "a string (the name of a pipeline)"
    typescript: str = "string"

    def accepts(self, value: Any) -> bool:
        """See ``Kind``."""
        return isinstance(value, str)

    def check(self, value: Any) -> Any:
        """See ``Kind``."""
        name = super().check(value)
        if not (name or self.or_empty):
            raise ArgumentError("expects the name of a pipeline, given the empty string")
        return name


PIPELINE: Final = Pipeline()


@dataclass(frozen=True)
class OneOf(Kind):
    """Any of several kinds, the first that accepts."""

    kinds: tuple[Kind, ...]

    @property
    def words(self) -> str:  # type: ignore[override]  # derived, not given
        """See ``Kind``."""
        return " or ".join(kind.words for kind in self.kinds)

    @property
    def typescript(self) -> str:  # type: ignore[override]  # derived, not given
        """See ``Kind``."""
        return " | ".join(f"({kind.typescript})" if "=>" in kind.typescript else kind.typescript for kind in self.kinds)

    def accepts(self, value: Any) -> bool:
        """See ``Kind``."""
        return any(kind.accepts(value) for kind in self.kinds)

    def check(self, value: Any) -> Any:
        """See ``Kind``."""
        for kind in self.kinds:
            if kind.accepts(value):
                return kind.check(value)
        raise ArgumentError(f"expects {self.words}, given {describe(value)}")


def dynamic(kind: Kind) -> OneOf:
    """A value of *kind*, or a function that gives one whenever it is needed."""
    return OneOf((kind, FUNCTION))
