"""Opening a remote codebase: where its copies are, and whether any are kept."""

import atexit
import hashlib
import os
import re
import shutil
import ssl
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from pipy_core.codebase.client import Client
from pipy_core.codebase.location import Location, parse_location
from pipy_core.codebase.remote import RemoteSource
from pipy_core.codebase.store import Store
from pipy_core.errors import LoadError
from pipy_core.logs import get_logger
from pipy_core.settings import Settings

_log = get_logger("codebase")


def open_remote(settings: Settings, context: ssl.SSLContext | None) -> RemoteSource:
    """The source for the URL of *settings*.

    :param context: how to speak TLS with its server; None: as usual.
    :raises ArgumentError: the URL cannot be used.
    :raises LoadError: there is no place for copies at all.
    """
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
