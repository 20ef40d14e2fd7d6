"""When the script is loaded again, and what is told of it: one change at a time; those that come meanwhile are one more.

How the new files are put to use is the business of whoever has them: one process, or the supervisor of many.
"""

import time
from collections.abc import Callable
from typing import Any, Final

from pipy_core import faults
from pipy_core.admin.standing import Reloads
from pipy_core.codebase.snapshot import Snapshot
from pipy_core.codebase.source import Source
from pipy_core.errors import PipyError
from pipy_core.logs import get_logger
from pipy_core.net.background import Watch, in_thread
from pipy_core.net.reactor import Reactor

#: Seconds between two reports to the server of a remote codebase (spec: cli-admin.md, 5).
REPORT_EVERY: Final = 5.0

_GIVEN_UP: Final = "Reloading codebase was given up: the program ends"

_log = get_logger("restart")


class Reloader:
    """See the module.

    :param switch: load these files and let them take over. It may wait; it raises a ``PipyError`` when it cannot, and then
        nothing has changed.
    :param told: called before and after each reload with whether one is going on.
    :param status: gives how the program is, for whoever keeps the files; it may wait.
    :ivar record: what became of reloads.
    """

    def __init__(
        self,
        reactor: Reactor,
        source: Source,
        switch: Callable[[Snapshot], None],
        told: Callable[[bool], None],
        status: Callable[[], dict[str, Any]],
    ) -> None:
        self._reactor = reactor
        self._source = source
        self._switch = switch
        self._told = told
        self._status = status
        self._watch: Watch | None = None
        self._busy = False
        self._wanted = False
        self._stopped = False
        self.record = Reloads()

    def start(self) -> bool:
        """Load for the first time, and watch for changes from then on; whether something runs.

        :raises PipyError: it cannot be loaded, and waiting would not help.
        """
        self._busy = True
        running = False
        try:
            running = self._change()
        except PipyError as error:
            if not self._source.retries:
                raise
            self.record.error = log(error)
        self._busy = False
        if not self._stopped:
            self._watch = Watch(self._reactor, self._source.watch, self.request)
            self._again()
            if self._source.retries:
                self._report()
        return running

    def request(self) -> None:
        """Load again soon."""
        if self._busy:
            self._wanted = True
        elif not self._stopped:
            self._busy = True
            self._reactor.spawn(self._reload)

    def stop(self) -> None:
        """Load no more."""
        self._stopped = True
        if self._watch is not None:
            self._watch.stop()

    def _reload(self) -> None:
        self._told(True)
        _log.info("Reloading codebase...")
        try:
            changed = self._change()
        except PipyError as error:
            if self._stopped:
                _log.info(_GIVEN_UP)
            else:
                self._failed(log(error))
        except Exception as error:  # noqa: BLE001  # a bug of ours: the old generation has to go on
            self._reactor.report(error, "reload")
            self._failed(repr(error))
        else:
            if changed:
                self._went_well()
            else:
                _log.info(_GIVEN_UP)
        self._told(False)
        self._busy = False
        self._again()

    def _went_well(self) -> None:
        self.record.result, self.record.error, self.record.at = "good", "", time.time()
        self.record.good += 1
        _log.info("Codebase reloaded")

    def _again(self) -> None:
        """Do what was asked for meanwhile."""
        if self._wanted:
            self._wanted = False
            self.request()

    def _report(self) -> None:
        if not self._stopped:
            self._source.report(self._status())
            self._reactor.after(REPORT_EVERY, lambda: self._reactor.spawn(self._report))

    def _failed(self, reason: str) -> None:
        self.record.result, self.record.error, self.record.at = "failed", reason, time.time()
        self.record.failed += 1
        _log.error("Failed reloading codebase")

    def _change(self) -> bool:
        """Whether something new runs now: not if the program came to its end while the files were read."""
        snapshot = in_thread(self._reactor, self._source.take)
        if self._stopped:
            return False
        self._switch(snapshot)
        in_thread(self._reactor, self._source.accept, snapshot)
        return True


def log(error: PipyError) -> str:
    """Log why something could not be loaded; give the text."""
    component, text = faults.explain(error)
    get_logger(component).error(text)
    return text
