"""``throttleDataRate(quota [, account])``: so many bytes a second. Data is cut where the tokens end; everything else is free."""

from pipy_core.api import Data, Event, Registry, hookimpl
from pipy_plugins.throttle.account import Account
from pipy_plugins.throttle.base import Throttle, register


class ThrottleDataRate(Throttle):
    """Counts bytes."""

    def divide(self, account: Account, event: Event) -> tuple[Event | None, Event | None]:
        """See ``Throttle``."""
        if type(event) is not Data:
            return event, None
        payload = event.payload
        room = account.take(len(payload))
        if room == len(payload):
            return event, None
        return (Data(payload[:room]) if room else None), Data(payload[room:])


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    register(registry, "throttleDataRate", ThrottleDataRate, "bytes")
