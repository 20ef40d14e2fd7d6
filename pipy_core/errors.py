"""What can go wrong, told apart by whose fault it is. Knows nothing of events, scripts or sockets.

A user's mistake (``ArgumentError``, ``LoadError``, ``StartError``) becomes one message and a non-zero exit code; a script
that misbehaves at run time (``ScriptError``) ends one stream; everything else is a bug of ours.
"""

from dataclasses import dataclass


class PipyError(Exception):
    """The root of all errors that Pipy raises on purpose."""


class ArgumentError(PipyError):
    """An argument in a script is not what its filter accepts. The text says what was expected and what was given."""


class StartError(PipyError):
    """The program was loaded but cannot be started: a port is taken, privileges are missing."""


class PluginError(PipyError):
    """An installed plugin cannot be used. The text names the plugin and what is wrong with it."""


class RelayedError(PipyError):
    """Something that another process could not do, with the text to log for it and the component that it is logged for."""

    def __init__(self, component: str, text: str) -> None:
        super().__init__(text)
        self.component = component


class ProtocolError(PipyError):
    """A peer broke its protocol; the codec that noticed says how."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a script something stands. Lines and columns count from 1; 0 means unknown."""

    path: str = ""
    line: int = 0
    column: int = 0
    source: str = ""  # the text of that line


class ScriptError(PipyError):
    """A script function threw, or was stopped because it ran for too long.

    ``kind`` is the class name of the JavaScript error, ``stack`` the script's own frames, one a line.
    """

    def __init__(self, kind: str, message: str, place: Place | None = None, stack: str = "") -> None:
        super().__init__(f"{kind}: {message}" if message else kind)
        self.kind = kind
        self.message = message
        self.place = place or Place()
        self.stack = stack


class LoadError(ScriptError):
    """A script cannot be loaded: bad syntax, an exception while it is evaluated, a wrong argument, a missing pipeline.

    ``unloadable`` are the modules that cannot be used because of it, by the names scripts gave them, innermost first.
    """

    def __init__(
        self, kind: str, message: str, place: Place | None = None, stack: str = "", unloadable: tuple[str, ...] = ()
    ) -> None:
        super().__init__(kind, message, place, stack)
        self.unloadable = unloadable
