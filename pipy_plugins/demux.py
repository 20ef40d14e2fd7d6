"""``demux(target)``: every message of a stream through a sub-pipeline of its own; the first message each answers goes on, in order.

Answers that come before their turn are kept; more than ``MAX_KEPT`` bytes of them end the stream. Whoever brings them cannot be
made to wait, since it may be the one that brings the answer that is waited for. The end of the stream is not passed on (spec:
filters.md, 2), unless a script function has failed: an answer that will never come must not be waited for.
"""

from typing import Final

from pipy_core.api import (
    END,
    PIPELINE,
    Branch,
    Data,
    Event,
    Failure,
    Filter,
    MessageEnd,
    MessageStart,
    Param,
    Registry,
    StreamEnd,
    Target,
    get_logger,
    hookimpl,
)

#: Bytes kept before the stream ends with ``BufferOverflow``.
MAX_KEPT: Final = 4 * 1024 * 1024


class _Slot:
    """One message and its answer."""

    __slots__ = ("_demux", "_started", "_waiting", "branch", "kept")

    def __init__(self, demux: "Demux") -> None:
        self._demux: Demux | None = demux
        self._started = False
        self._waiting: list[Event] | None = None  # what was answered before its turn
        self.kept = 0
        self.branch: Branch | None = None

    def reply(self, event: Event) -> None:
        """The sub-pipeline has answered *event*."""
        demux = self._demux
        if demux is None:
            return
        if self._waiting is None and demux.is_next(self):
            self._send(demux, event)
            return
        if self._waiting is None:
            self._waiting = []
        self._waiting.append(event)
        if type(event) is Data:
            self.kept += len(event.payload)
            demux.keep(len(event.payload))

    def replay(self) -> bool:
        """Its turn has come. Gives whether its answer is complete."""
        waiting, self._waiting = self._waiting, None
        kept, self.kept = self.kept, 0
        if kept and self._demux is not None:
            self._demux.keep(-kept)
        for event in waiting or ():
            if self._demux is None:
                break
            self._send(self._demux, event)
        return self._demux is None

    def _send(self, demux: "Demux", event: Event) -> None:
        if isinstance(event, MessageStart):
            if not self._started:
                self._started = True
                demux.emit(event)
        elif isinstance(event, Data):
            if self._started:
                demux.emit(event)
        elif type(event) is StreamEnd and event.error is Failure.RUNTIME_ERROR:
            demux.fail(event)
        elif self._started or isinstance(event, StreamEnd):
            started = self._started
            self.close()
            if not started:
                demux.emit(MessageStart())
            demux.emit(END)
            demux.answered(self)

    def close(self) -> None:
        """The answer is complete, or nobody wants it any more."""
        self._demux = None
        self._waiting = None
        branch, self.branch = self.branch, None
        if branch is not None:
            branch.close()


class Demux(Filter):
    """One stream of messages."""

    joins = "link"

    def __init__(self, target: Target) -> None:
        self._target = target
        self._slots: list[_Slot] = []
        self._receiving: _Slot | None = None
        self._advancing = False
        self._kept = 0
        self._ended = False
        self._fault: StreamEnd | None = None  # passed on when every answer has been

    def process(self, event: Event) -> None:
        """See ``Filter``. What is outside of messages is dropped."""
        if self._ended:
            return
        if type(event) is Data:
            if self._receiving is not None and self._receiving.branch is not None:
                self._receiving.branch.feed(event)
        elif isinstance(event, MessageStart):
            self._begin(event)
        elif isinstance(event, MessageEnd | StreamEnd):
            self._ended = isinstance(event, StreamEnd)
            slot, self._receiving = self._receiving, None
            if slot is not None and slot.branch is not None:
                slot.branch.feed(END)
            if type(event) is StreamEnd and event.error is Failure.RUNTIME_ERROR:
                self._fault = event
                self._pass_fault()

    def busy(self) -> bool:
        """See ``Filter``."""
        return bool(self._slots)

    def close(self) -> None:
        """See ``Filter``."""
        self._ended = True
        slots, self._slots = self._slots, []
        self._receiving = None
        for slot in slots:
            slot.close()

    def _begin(self, event: MessageStart) -> None:
        slot = _Slot(self)
        self._slots.append(slot)
        self._receiving = slot
        slot.branch = self.host.join(self._target, slot.reply, self.host.clone_context())
        slot.branch.feed(event)

    def is_next(self, slot: _Slot) -> bool:
        """Whether it is the turn of *slot*."""
        return self._slots[0] is slot

    def keep(self, size: int) -> None:
        """A slot whose turn has not come keeps *size* bytes more (less, if negative)."""
        self._kept += size
        if self._kept > MAX_KEPT:
            get_logger("demux").error("answers that came before their turn are too large to be kept")
            self.fail(StreamEnd(Failure.BUFFER_OVERFLOW))

    def fail(self, end: StreamEnd) -> None:
        """There is an answer that will not be complete, and none can come behind it."""
        self.close()
        self.emit(end)

    def _pass_fault(self) -> None:
        if self._fault is not None and not self._slots:
            fault, self._fault = self._fault, None
            self.emit(fault)

    def answered(self, slot: _Slot) -> None:
        """*slot* is done: the next one may speak."""
        if not self._slots:
            return  # closed meanwhile
        assert self._slots[0] is slot
        del self._slots[0]
        if self._advancing:
            return
        self._advancing = True
        try:
            while self._slots and self._slots[0].replay():
                pass
        finally:
            self._advancing = False
        self._pass_fault()


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    registry.add_filter(
        "demux",
        Demux,
        [Param("target", PIPELINE, "what each message goes through")],
        help="Sends every message through a sub-pipeline of its own and puts the answers in order.",
        group="joint",
    )
