"""The contexts of the script, as far as Python has a say in them: made, copied and dropped without crossings of their own.

The commands queue up and ride in front of the next call. A context that is dropped before that is never made.
"""

import itertools
from collections.abc import Callable
from typing import Any

from pipy_core.context import Context, Group

#: Commands that ride in front of a call; ``runtime/contexts.js`` has the same numbers.
NEW, CLONE, DROP, GONE, RELEASE, FORGET = range(1, 7)

OnRelease = Callable[[int], None]


class Contexts:
    """Their numbers, and the queue of commands."""

    def __init__(self) -> None:
        self._commands: dict[object, tuple[Any, ...]] = {}  # by context number, negative for drops
        self._parents: dict[int, int] = {}  # queued contexts that queued commands copy, and how many do
        self._numbers = itertools.count(1)

    def __len__(self) -> int:
        """How many commands are queued; for tests that look for leaks."""
        return len(self._commands)

    def new(self, program: int, inbound: tuple[Any, ...] | None, on_release: OnRelease) -> Context:
        """A context with the initial values of all variables of *program*.

        :param on_release: called with its number when nobody holds it any more; must lead to ``drop``.
        """
        number = next(self._numbers)
        self._commands[number] = (NEW, number, program, inbound)
        return Context(number, Group(), inbound, on_release)

    def clone(self, context: Context, on_release: OnRelease) -> Context:
        """A copy of *context* as it is now."""
        number = next(self._numbers)
        if context.number in self._commands:
            self._parents[context.number] = self._parents.get(context.number, 0) + 1
        self._commands[number] = (CLONE, number, context.number)
        return Context(number, context.group, context.inbound, on_release)

    def idle(self, inbound: tuple[Any, ...] | None = None, group: Group | None = None) -> Context:
        """A context for a program without any function: the script will never hear of it."""
        return Context(next(self._numbers), group or Group(), inbound, _nothing)

    def next_number(self) -> int:
        """Where the numbers of contexts begin that the script itself is going to make; see ``made``."""
        return next(self._numbers)

    def made(self, context: Context, first: int, count: int, on_release: OnRelease) -> list[Context]:
        """*count* copies of *context* that the script has made, numbered from *first*."""
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

    def forget(self, program: int) -> None:
        """The script may forget a generation; none of its contexts may be used any more."""
        self._commands[-next(self._numbers)] = (FORGET, program)

    def take(self) -> list[Any]:
        """The queued commands, flat and in order; they are the caller's to send."""
        if not self._commands:
            return []
        # a context may be collected at any moment and queue its command: into the next queue, not the one that is read
        queued, self._commands, self._parents = self._commands, {}, {}
        return list(itertools.chain.from_iterable(queued.values()))


def _nothing(_number: int) -> None:
    """A context that the script never heard of needs no dropping."""
