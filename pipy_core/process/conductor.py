"""Who decides what a worker does: itself, in a program of one process (``alone``), or a supervisor (``supervised``)."""

from typing import Protocol


class Conductor(Protocol):
    """Who decides what a worker does."""

    def begin(self) -> None:
        """The reactor runs: load the script.

        :raises PipyError: it cannot be run; the process ends.
        """

    def signalled(self, name: str) -> None:
        """The process has got a signal."""

    def restart(self) -> None:
        """The script asks for a reload."""

    def exit(self, code: int) -> None:
        """The script asks for the end of the program."""

    def finish(self) -> None:
        """The process ends now: let go of what is yours."""
