"""What ``observeHealth`` and ``circuitBreaker`` have in common: one sub-pipeline, and waiting for how it answers."""

from collections.abc import Mapping
from math import ceil
from typing import Any

from pipy_core.api import (
    END,
    Branch,
    Event,
    Failure,
    Head,
    Joint,
    MessageEnd,
    MessageStart,
    StreamEnd,
    Target,
    Timer,
    ignore,
)
from pipy_plugins.resilience.outcome import Judge, Outcome


class Watched(Joint):
    """Sends the stream through *target*, and says ``settled`` when it is known how that has answered.

    :param patience: seconds, from the end of the request, that the answer may take to begin; 0: for ever. Beyond it the answer is
        504, or the end of the stream where there are no messages.
    """

    joins = "link"

    def __init__(self, target: Target, patience: float = 0.0) -> None:
        self._target = target
        self._patience = patience
        self._judge = Judge()
        self._messages = False  # there are any: the stream is not just bytes
        self._timer: Timer | None = None

    def pass_on(self, event: Event) -> None:
        """Hand *event* to the sub-pipeline, which is started with the first one."""
        branch = self._branch
        if branch is None:
            branch = self._branch = self.host.join(self._target, self._reply)
            self._messages = type(event) is MessageStart
            if self._patience and not self._messages:
                self._wait()
        elif self._patience and type(event) is MessageEnd and not self._judge.decided:
            self._wait()
        branch.feed(event)

    def settled(self, outcome: Outcome) -> None:
        """It is known how the stream was answered: called once, before the event that tells it goes on."""
        raise NotImplementedError

    def answer(self, status: int, headers: Mapping[str, Any], failure: Failure) -> None:
        """Answer in the place of the sub-pipeline: with *status*, or *failure* where there are no messages."""
        branch, self._branch = self._branch, _NOBODY
        if branch is not None:
            branch.close()
        if self._messages:
            self.emit(MessageStart(Head({"status": status, "headers": dict(headers)})))
            self.emit(END)
        else:
            self.emit(StreamEnd(failure))

    def _wait(self) -> None:
        self._timer = self.host.after(self._patience, self._too_late)

    def _too_late(self) -> None:
        self._timer = None
        self._judge.decided = True
        self.settled(Outcome(0, Failure.READ_TIMEOUT))
        self.answer(504, {}, Failure.READ_TIMEOUT)

    def _reply(self, event: Event) -> None:
        if not self._judge.decided:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            outcome = self._judge.look(event)
            if outcome is not None:
                self.settled(outcome)
        self.emit(event)


class _Nobody:
    """Where the rest of a stream goes that was answered here."""

    feed = staticmethod(ignore)

    def drain(self) -> None:
        """See ``Branch``."""

    def busy(self) -> bool:
        """See ``Branch``."""
        return False

    def close(self) -> None:
        """See ``Branch``."""


_NOBODY: Branch = _Nobody()


def retry_after(seconds: float) -> dict[str, str]:
    """The field that says when to come again (RFC 9110, 10.2.3): whole seconds, one at least."""
    return {"retry-after": str(max(ceil(seconds), 1))}
