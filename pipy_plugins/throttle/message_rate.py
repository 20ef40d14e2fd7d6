"""``throttleMessageRate(quota [, account])``: so many messages a second. Their starts cost one each, all else is free."""

from pipy_core.api import Event, MessageStart, Registry, hookimpl
from pipy_plugins.throttle.account import Account
from pipy_plugins.throttle.base import Throttle, register


class ThrottleMessageRate(Throttle):
    """Counts messages."""

    def divide(self, account: Account, event: Event) -> tuple[Event | None, Event | None]:
        """See ``Throttle``."""
        if type(event) is not MessageStart or account.take(1):
            return event, None
        return None, event


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    register(registry, "throttleMessageRate", ThrottleMessageRate, "messages")
