"""Where a script comes from, as whoever runs it sees it. Which kind of source it is, is decided here."""

import importlib
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from pipy_core.codebase.local import LocalSource
from pipy_core.codebase.location import is_url
from pipy_core.codebase.snapshot import Snapshot
from pipy_core.codebase.tls import client_context
from pipy_core.settings import Settings

#: Imported only when it is needed, with the library that it brings (``contrib/decisions``).
_REMOTE: Final = "pipy_core.codebase.opening"


class Source(Protocol):
    """Gives the files of a script and says when there are newer ones. Every method may block: call them on threads."""

    @property
    def retries(self) -> bool:
        """Whether a script that cannot be had or loaded when the program starts may come a little later.

        Then keep the program, and call ``watch``. Otherwise the program ends.
        """

    def take(self) -> Snapshot:
        """The files as they are now.

        :raises LoadError: they cannot be had; says why.
        """

    def watch(self, changed: Callable[[], None], stop: threading.Event) -> None:
        """Call *changed* whenever ``take`` would give something else; return after *stop* is set.

        Start it when the first attempt to load the script is over. If that has failed and ``retries`` is true, *changed* asks
        for further attempts.
        """

    def accept(self, snapshot: Snapshot) -> None:
        """*snapshot*, which was taken last, was loaded and runs now: it is what a later start can fall back to.

        What was taken and not accepted may be removed when the next one is taken; files of what was accepted stay for the
        generations that still use them.
        """

    def report(self, status: Mapping[str, Any]) -> None:
        """Tell whoever keeps the files how this process is: their ``status`` from now on. Does not block.

        :param status: what can be given as JSON, such as ``{"modules": {"/main.js": {"graph": ...}}}``.
        """


def open_source(settings: Settings) -> Source:
    """The source of the script of *settings*.

    :raises ArgumentError: a certificate or a key for it, or the URL, cannot be used.
    """
    tls = (settings.tls_cert, settings.tls_key, settings.tls_trusted)
    context = client_context(*tls) if any(tls) else None
    if not is_url(settings.script):
        return LocalSource(Path(settings.script), watching=settings.watch)
    remote: Source = importlib.import_module(_REMOTE).open_remote(settings, context)
    return remote
