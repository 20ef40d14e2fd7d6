"""What ``pipy status`` prints, made of the status document. Pure."""

from datetime import datetime
from typing import Any

from pipy_core.console.tables import duration, size, table


def report(status: dict[str, Any]) -> list[str]:
    """The lines."""
    return [*summary(status), "", *workers(status), "", *_generations(status)]


def summary(status: dict[str, Any]) -> list[str]:
    """What is true of the whole program."""
    reason = f" ({status['reason']})" if status["reason"] else ""
    ports = ", ".join(status["ports"]) or "none"
    return [
        f"pipy {status['version']}, process {status['pid']}, {status['state']}{reason}, up {duration(status['uptime'])}",
        f"ports: {ports}",
        f"last reload: {_reload(status['reload'])}",
    ]


def workers(status: dict[str, Any]) -> list[str]:
    """A table."""
    head = ("WORKER", "STATE", "PID", "CONNECTIONS", "MEMORY", "LAG", "RESTARTS")
    rows = [
        (
            str(each["number"]),
            each["state"],
            str(each["pid"] or "-"),
            str(each["connections"]),
            size(each["memory"]),
            duration(each["lag"]),
            str(each["starts"] - 1),
        )
        for each in status["workers"]
    ]
    return table(head, rows, texts=2)


def _generations(status: dict[str, Any]) -> list[str]:
    head = ("GENERATION", "STATE", "VERSION", "LOADED", "CONNECTIONS")
    rows = [
        (str(each["number"]), each["state"], each["version"] or "-", moment(each["loaded_at"]), str(each["connections"]))
        for each in status["generations"]
    ]
    return table(head, rows, texts=4)


def _reload(reload: dict[str, Any]) -> str:
    if not reload["result"]:
        return "none"
    counts = f"{reload['good']} good, {reload['failed']} failed"
    text = f"{reload['result']} at {moment(reload['at'])} ({counts} in all)"
    # an error of a script begins with its line and a caret below
    lines = [line.strip() for line in str(reload["error"]).splitlines() if line.strip(" ^") and not line.startswith("Line ")]
    return f"{text}: {lines[0]}" if lines else text


def moment(seconds: float) -> str:
    """A time of the clock, here."""
    return f"{datetime.fromtimestamp(seconds).astimezone():%Y-%m-%d %H:%M:%S}"
