"""Token buckets: how much may pass now. Knows no filters but that somebody may wait.

An account starts empty. At every tick, once a second, it gets its quota if it has less than that, or less than one token.
"""

import math
from collections.abc import Callable, Hashable
from typing import Any, Final

from pipy_core.api import key_of

#: Accounts that no stream uses are forgotten, oldest first, when there are more than this; a forgotten one starts empty again.
MOST_ACCOUNTS: Final = 10_000

TICK: Final = 1.0


class Account:
    """One bucket.

    :ivar quota: tokens a second.
    :ivar users: streams that hold it.
    :ivar waiting: those that wait for tokens, in order; each lets its stream go on as far as it can, and says if that was all.
    """

    __slots__ = ("_began", "_tick", "quota", "tokens", "users", "waiting")

    def __init__(self, now: float, began: float) -> None:
        self.quota = 0.0
        self.tokens = 0.0
        self.users = 0
        self.waiting: dict[Any, Callable[[], bool]] = {}
        self._began = began
        self._tick = self._ticks(now)

    def refill(self, now: float) -> None:
        """Add what the ticks since the last time have brought."""
        tick = self._ticks(now)
        passed, self._tick = tick - self._tick, tick
        wanted = max(self.quota, 1.0)
        if passed > 0 and self.quota > 0 and self.tokens < wanted:
            self.tokens += self.quota * min(passed, math.ceil((wanted - self.tokens) / self.quota))

    def until_tick(self, now: float) -> float:
        """Seconds from *now* to the next tick."""
        return self._began + (self._ticks(now) + 1) * TICK - now

    def take(self, wanted: int) -> int:
        """Take up to *wanted* whole tokens, as many as there are."""
        taken = min(wanted, int(self.tokens))
        self.tokens -= taken
        return taken

    def serve(self, now: float) -> None:
        """Let those that wait go on, the longest-waiting first, until the tokens are used up."""
        self.refill(now)
        while self.waiting and self.tokens >= 1:
            who, proceed = next(iter(self.waiting.items()))
            if proceed():
                self.waiting.pop(who, None)

    def _ticks(self, now: float) -> int:
        return math.floor((now - self._began) / TICK)


class Accounts:
    """All accounts of one filter definition. Outlives the streams that use it."""

    def __init__(self) -> None:
        self._accounts: dict[Hashable, Account] = {}
        self._began: float | None = None

    def open(self, value: Any, now: float) -> Account:
        """The account of *value*: strings, numbers and booleans by what they are, objects by identity."""
        if self._began is None:
            self._began = now
        key = key_of(value)
        account = self._accounts.pop(key, None) or Account(now, self._began)
        self._accounts[key] = account
        account.users += 1
        if len(self._accounts) > MOST_ACCOUNTS:
            self._forget()
        return account

    def _forget(self) -> None:
        for key, account in self._accounts.items():
            if not account.users:
                del self._accounts[key]
                return

    def __len__(self) -> int:
        return len(self._accounts)
