"""Where a script comes from, as whoever runs it sees it. Which kind of source it is, and where its copies are, is decided here."""

import atexit
import hashlib
import os
import re
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from pipy_core.codebase.client import Client
from pipy_core.codebase.local import LocalSource
from pipy_core.codebase.location import Location, is_url, parse_location
from pipy_core.codebase.remote import RemoteSource
from pipy_core.codebase.snapshot import Snapshot
from pipy_core.codebase.store import Store
from pipy_core.codebase.tls import client_context
from pipy_core.errors import LoadError
from pipy_core.logs import get_logger
from pipy_core.settings import Settings

_log = get_logger("codebase")


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
    location = parse_location(settings.script)
    store = _store(settings, location)
    return RemoteSource(location, Client(location, context), store, settings.poll_interval, patient=not settings.verify)


def cache_directory(chosen: str, environ: Mapping[str, str]) -> Path:
    """Where copies of remote codebases are kept.

    :param chosen: ``--cache-dir``. Without it: what systemd gives a service (``CacheDirectory=``), what the user has chosen
        (``XDG_CACHE_HOME``), and last what the system has for this.
    :raises RuntimeError: the user has no home.
    """
    if chosen:
        return Path(chosen).absolute()
    given = environ.get("CACHE_DIRECTORY", "").partition(":")[0]
    if given:
        return Path(given)
    if environ.get("XDG_CACHE_HOME", "").startswith("/"):
        return Path(environ["XDG_CACHE_HOME"]) / "pipy"
    if os.geteuid() == 0:
        return Path("/var/cache/pipy")
    return Path.home() / ("Library/Caches/pipy" if sys.platform == "darwin" else ".cache/pipy")


def _store(settings: Settings, location: Location) -> Store:
    """Where copies are kept: for good, or while the process runs where that cannot be, or where nothing is to be kept."""
    if not settings.verify:
        secret = f"{location.shown} {location.query} {location.credentials}"
        name = f"{re.sub('[^a-z0-9.-]', '_', location.host)}-{hashlib.sha256(secret.encode()).hexdigest()[:16]}"
        try:
            return Store(cache_directory(settings.cache_dir, os.environ) / name)
        except (OSError, RuntimeError) as error:
            _log.warning(f"no copy of {location.shown} is kept for a start without the server: {error}")
    try:
        return Store(_passing_directory())
    except OSError as error:
        raise LoadError("Error", f"there is no place for a copy of {location.shown}: {error}") from None


def _passing_directory() -> Path:
    """A directory that goes with the process."""
    path = Path(tempfile.mkdtemp(prefix="pipy-"))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path
