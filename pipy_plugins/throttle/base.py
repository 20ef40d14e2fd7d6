"""What both throttles have in common: quota, account, and waiting in line."""

from abc import abstractmethod
from functools import partial
from typing import Any, Final

from pipy_core.api import (
    ANY,
    EOS,
    FUNCTION,
    NUMBER,
    SIZE,
    UNDEFINED,
    Backlog,
    Event,
    Failure,
    Filter,
    Make,
    OneOf,
    Param,
    Registry,
    StreamEnd,
    Timer,
    Valve,
    deliver,
    get_logger,
    press,
    relieve,
    units,
)
from pipy_plugins.throttle.account import Account, Accounts

#: The reader waits while more than this is held back.
HIGH_WATER: Final = 64 * 1024

_log = get_logger("throttle")


class Throttle(Filter):
    """Passes events as long as its account has tokens for them; then all that comes waits in order for the next ticks.

    :param accounts: those of this use of the filter, shared by its streams.
    :param quota: tokens a second, or a function that gives it; looked at with the first event.
    :param account: what tells accounts apart, or a function that gives it; looked at with the first event.
    """

    def __init__(self, accounts: Accounts, quota: Any, account: Any) -> None:
        self._accounts = accounts
        self._quota = quota
        self._of = account
        self._account: Account | None = None
        self._backlog = Backlog()
        self._valve: Valve | None = None  # None: never needed yet
        self._timer: Timer | None = None
        self._ended = False

    @classmethod
    def prepare(cls, *args: Any) -> Make:
        """See ``Filter``."""
        return partial(cls, Accounts(), *args)

    @abstractmethod
    def divide(self, account: Account, event: Event) -> tuple[Event | None, Event | None]:
        """What of *event* may pass, paid for, and what has to wait."""

    def process(self, event: Event) -> None:
        """See ``Filter``."""
        if self._ended:
            return
        account = self._account or self._open()
        if self._backlog:
            self._hold_back(event)
            return
        account.serve(self.host.now())  # tokens that came with the last tick are for those who were here before
        now, later = self.divide(account, event)
        if later is not None:
            account.waiting[self] = self._proceed
            self._hold_back(later)
            self._start_timer()
        if now is not None:
            self.emit(now)

    def busy(self) -> bool:
        """See ``Filter``."""
        return bool(self._backlog)

    def close(self) -> None:
        """See ``Filter``."""
        if self._account is not None:
            self._account.waiting.pop(self, None)
            self._account.users -= 1
        relieve(self._valve)

    def _open(self) -> Account:
        quota = _number(self.host.value(self._quota))
        self._account = self._accounts.open(self.host.value(self._of), self.host.now())
        self._account.quota = quota
        return self._account

    def _hold_back(self, event: Event) -> None:
        if not self._backlog.add(event):
            self._ended = True
            self._backlog.clear()
            relieve(self._valve)
            _log.error("more than 16 MiB wait for their turn")
            self.emit(StreamEnd(Failure.BUFFER_OVERFLOW))
        elif self._backlog.size > HIGH_WATER:
            self._valve = press(self.host, self._valve)

    def _start_timer(self) -> None:
        if self._timer is None and self._account is not None:
            self._timer = self.host.after(self._account.until_tick(self.host.now()), self._tick)

    def _tick(self) -> None:
        """Serves all who wait, not only this stream: whose timer fires first does not matter, and who closes strands nobody."""
        self._timer = None
        if self._account is not None:
            self._account.serve(self.host.now())
        if self._backlog:
            self._start_timer()

    def _proceed(self) -> bool:
        """Called with tokens there. An exception behind this filter is a matter of its own stream, not of those it waits with."""
        deliver(self._go_on, EOS, self.host)
        return not self._backlog

    def _go_on(self, _event: Event) -> None:
        assert self._account is not None
        while self._backlog:
            event = self._backlog.take()
            now, later = self.divide(self._account, event)
            if later is not None:
                self._backlog.put_back(later)
            if self._backlog.size <= HIGH_WATER:
                relieve(self._valve)
            if now is not None:
                self.emit(now)
            if later is not None:
                return


def _number(quota: Any) -> float:
    try:
        number = units.size(quota) if isinstance(quota, str) else quota
    except ValueError:
        number = None
    if isinstance(number, bool) or not isinstance(number, int | float):
        _log.error("invalid quota")
        return 0.0
    return number if number > 0 else 0.0


def register(registry: Registry, name: str, filter_type: type[Throttle], what: str) -> None:
    """Offer a throttle of *what*."""
    registry.add_filter(
        name,
        filter_type,
        [
            Param("quota", OneOf((NUMBER, SIZE, FUNCTION)), f"{what} a second: a number, a size such as '10k', or a function"),
            Param("account", ANY, "streams with the same value share the quota; may be a function", default=UNDEFINED),
        ],
        help=f"Lets so many {what} a second pass. What is above waits, in order, and so does the sender.",
        group="flow",
    )
