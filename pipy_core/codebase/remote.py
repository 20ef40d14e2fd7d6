"""A codebase that a server has: fetching it, noticing that it has changed, telling the server who runs it.

Spec: cli-admin.md, 5.2. The server may be a repository, where the ``etag`` of everything is the version of the codebase, or any
server of files: then the files themselves are looked at too, since a manifest does not change with them.
"""

import random
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec.json

from pipy_core import faults
from pipy_core.codebase.client import Client, FetchError
from pipy_core.codebase.copies import Copy
from pipy_core.codebase.download import About, Download, Lookout, download
from pipy_core.codebase.location import Location
from pipy_core.codebase.snapshot import Snapshot
from pipy_core.codebase.store import Store
from pipy_core.errors import LoadError
from pipy_core.logs import get_logger

#: Seconds after which a failed attempt is repeated: doubled each time, up to the second number.
FIRST_RETRY: Final = 5.0
LONGEST_RETRY: Final = 60.0
#: Rounds without a status report for a server that does not take them.
SILENT_ROUNDS: Final = 60

#: What servers answer that take no reports.
_UNWANTED: Final = frozenset({404, 405, 501})

_log = get_logger("codebase")
_bugs = get_logger("bug")


class RemoteSource:
    """See ``Source``.

    :param store: where copies are kept.
    :param poll_interval: seconds between two looks at the server.
    :param patient: start with the last good copy if the server does not give one that works, or wait until it does.
    :ivar retries: as *patient*.
    """

    def __init__(self, location: Location, client: Client, store: Store, poll_interval: float, *, patient: bool = True) -> None:
        self._location = location
        self._client = client
        self._store = store
        self._poll_interval = poll_interval
        self.retries = patient
        self._lookout = Lookout(client, location)
        self._lock = threading.Lock()  # ``take`` and ``watch`` run on threads of their own, and share one connection
        self._known: About | None = None  # what the server is known to have
        self._fetched: Download | None = None  # by ``watch``, for the next ``take``
        self._taken: About | None = None  # not accepted yet, and perhaps never
        self._version = ""  # of what was accepted last
        self._running = False  # something was accepted
        self._status: Mapping[str, Any] = {}
        self._uuid = str(uuid.uuid4())
        self._silent = 0  # rounds that are left without a status report

    def take(self) -> Snapshot:
        """See ``Source``. At the start: the last good copy, if the server is away, or if what it has was found wrong before."""
        with self._lock:
            refused, self._taken = self._taken, None
            try:
                fetched = self._fetched or download(self._client, self._location)
            except FetchError as error:
                copy = self._last_good(str(error))
                if copy is None:
                    raise
                self._known = copy.about
                return copy.snapshot
            self._fetched, self._known = None, fetched.about
            if refused is not None and fetched.about.is_same(refused):
                copy = self._last_good(f"version {refused.version} could not be loaded", but=refused)
                if copy is not None:
                    return copy.snapshot
            self._taken = fetched.about
            return self._stored(fetched)

    def _stored(self, fetched: Download) -> Snapshot:
        try:
            return self._store.add(fetched.files, fetched.about)
        except OSError as error:
            reason = f"cannot keep a copy of {self._location.shown}: {error}"
            copy = self._last_good(reason)
            if copy is None:
                raise LoadError("Error", reason) from None
            return copy.snapshot

    def _last_good(self, reason: str, but: About | None = None) -> Copy | None:
        """The last good copy, while nothing runs yet.

        :param but: not if it is this, which is not good any more.
        """
        copy = self._store.last_good() if self.retries and not self._running else None
        if copy is None or (but is not None and copy.about.is_same(but)):
            return None
        age = max(0, round((time.time() - copy.about.fetched) / 60))
        old = f"{age // 1440} days" if age >= 2880 else f"{age // 60} hours" if age >= 120 else f"{age} minutes"
        _log.warning(f"{reason}: starting with the copy of version {copy.about.version} on the disk, which is {old} old")
        self._taken = copy.about
        return copy

    def accept(self, snapshot: Snapshot) -> None:
        """See ``Source``."""
        with self._lock:
            self._running, self._version, self._taken = True, snapshot.version, None
            try:
                self._store.accept(snapshot)
            except OSError as error:
                _log.warning(f"version {snapshot.version} is not kept for a start without the server: {error}")

    def watch(self, changed: Callable[[], None], stop: threading.Event) -> None:
        """See ``Source``. As long as nothing was accepted, it asks for further attempts, less and less often."""
        if self._running:
            news = self._round()
        else:
            _log.info(f"{self._location.shown}: trying again in {FIRST_RETRY:.0f} s, then less and less often")
            news = self.retries and self._taken is not None and self._store.has_good  # the next attempt falls back: see ``take``
        failures = 0
        while True:
            if news:
                changed()
            failures = 0 if self._running and news is not None else failures + 1
            if stop.wait(retry_after(failures) if failures else self._poll_interval):
                break
            news = self._round() if self._running else True

    def _round(self) -> bool | None:
        """Whether there is something new, which is fetched then; None: that could not be found out."""
        try:
            with self._lock:
                self._post()
                return self._look()
        except FetchError as error:
            _log.warning(f"{error.message}: trying again later")
            return None
        except Exception as error:  # noqa: BLE001  # a bug: the next version may still come
            _bugs.error(faults.render_bug(error, "codebase"))
            return None

    def _look(self) -> bool:
        assert self._known is not None
        if not self._lookout.is_changed(self._known):
            return False
        fetched = download(self._client, self._location)
        news = not fetched.about.is_same(self._known)
        self._known = fetched.about
        if news:
            self._fetched = fetched
        return news

    def _post(self) -> None:
        """The status report, unless the server is known not to want it."""
        if self._silent:
            self._silent -= 1
            return
        ours = {"timestamp": round(time.time() * 1000), "uuid": self._uuid, "version": self._version}
        status = dict(self._status) | ours  # a version that is told there is that of the program
        if self._client.post(self._location.path, msgspec.json.encode(status), self._location.query) in _UNWANTED:
            self._silent = SILENT_ROUNDS

    def report(self, status: Mapping[str, Any]) -> None:
        """See ``Source``: it goes out with the next look at the server."""
        self._status = dict(status)


def retry_after(failures: int) -> float:
    """Seconds until the next attempt. Many workers that lost one server do not all come back at the same time.

    :param failures: how many there were in a row, from 1 on.
    """
    pause = min(FIRST_RETRY * 2.0 ** min(failures - 1, 10), LONGEST_RETRY)
    return pause * random.uniform(0.8, 1.2)  # noqa: S311  # no secret
