"""Arguments as scripts give them."""

from typing import Any


def octets(value: Any, number: int) -> bytes:
    """The bytes of a text (as UTF-8) or a ``Data``.

    :param number: which argument it is, for the error.
    :raises TypeError: it is neither.
    """
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    raise TypeError(f"argument #{number} expects a string or an instance of Data")
