"""How an upstream behaves, besides what it answers. Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipy_core.events import Failure


@dataclass(frozen=True)
class Manner:
    """How an upstream behaves, besides what it answers.

    :ivar raw: it does not speak HTTP: it answers bytes with bytes.
    :ivar refuse: what connecting fails with (``ConnectionRefused``, ``CannotResolve``); nothing: it works.
    :ivar connect_delay: seconds that connecting takes; infinite: it never works.
    :ivar delay: seconds before each answer.
    :ivar close_after: bytes of answers after which it closes the connection, whatever is left; None: it sends all.
    :ivar greeting: what it sends as soon as somebody has connected.
    """

    raw: bool = False
    refuse: Failure = Failure.NONE
    connect_delay: float = 0.0
    delay: float = 0.0
    close_after: int | None = None
    greeting: bytes = b""


def manner(options: Mapping[str, Any], *, raw: bool) -> Manner:
    """The manner that a test asks for.

    :param options: ``refuse`` (true, or the error to fail with), ``connectDelay``, ``delay``, ``closeAfter``, ``greeting``.
    :raises TypeError: an option is unknown or wrong.
    """
    unknown = set(options) - {"refuse", "connectDelay", "delay", "closeAfter", "greeting"}
    if unknown:
        raise TypeError(f"an upstream has no option {min(unknown)}")
    refuse = options.get("refuse") or ""
    try:
        failure = Failure.CONNECTION_REFUSED if refuse is True else Failure(refuse)
    except ValueError:
        raise TypeError(f"refuse is true or an error such as 'ConnectionRefused', not {refuse!r}") from None
    greeting = options.get("greeting", b"")
    return Manner(
        raw=raw,
        refuse=failure,
        connect_delay=_number("connectDelay", options.get("connectDelay", 0.0)),
        delay=_number("delay", options.get("delay", 0.0)),
        close_after=None if options.get("closeAfter") is None else int(_number("closeAfter", options["closeAfter"])),
        greeting=greeting.encode() if isinstance(greeting, str) else bytes(greeting),
    )


def _number(name: str, value: Any) -> float:
    if value is None:  # what Infinity is in JSON
        return math.inf
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise TypeError(f"{name} is a number from 0 on, not {value!r}")
    return float(value)
