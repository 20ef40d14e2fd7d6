"""The original's spelling of where to connect to (spec: filters.md, ``connect``). Pure functions."""

from typing import Any, Final

MAX_PORT: Final = 65535


def spelled(host: str, port: int) -> str:
    """``host:port``, or ``[ipv6]:port``."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def parse_target(target: Any) -> tuple[str, int] | None:
    """``host:port`` or ``[ipv6]:port``, as host and port; None if it is neither."""
    host, colon, port = target.rpartition(":") if isinstance(target, str) else ("", "", "")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        host = ""
    if not (colon and host and port.isascii() and port.isdigit() and len(port) <= 5 and 1 <= int(port) <= MAX_PORT):
        return None
    return host, int(port)
