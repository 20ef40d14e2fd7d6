"""``demuxHTTP(target)``: one sub-pipeline per request of a connection; answers go back in the order of the requests.

Requests that are pipelined are worked on at the same time. Answers that come before their turn are kept, ``MAX_KEPT`` bytes of
them: whoever brings them cannot be made to wait, since it may be the one that brings the answer that is waited for. A client with
``MAX_REQUESTS`` unanswered requests is not read from. See ``slot`` for one exchange, ``v2`` for HTTP/2, where there is no order.
"""

from typing import Any, Final

from pipy_core.api import (
    END,
    EOS,
    PIPELINE,
    SIZE,
    Branch,
    Event,
    Failure,
    MessageStart,
    Param,
    Registry,
    StreamEnd,
    Target,
    Valve,
    hookimpl,
    options,
    press,
    relieve,
)
from pipy_plugins.http.codecs import BUFFER_SIZE
from pipy_plugins.http.connection import ClientConnection
from pipy_plugins.http.decoder import WAIT
from pipy_plugins.http.heads import LostHead, RequestHead
from pipy_plugins.http.patience import BODY, NOTHING, Wait
from pipy_plugins.http.requests import RequestDecoder
from pipy_plugins.http.slot import Slot
from pipy_plugins.http.v2.answer import Answer

#: Bytes behind a request for another protocol that are kept before the client has to wait.
HIGH_WATER: Final = 64 * 1024
#: Bytes of answers kept for one client before their turn; what is beyond is answered with 502. Answers overtake each other only
#: where they come over several sessions.
MAX_KEPT: Final = 4 * 1024 * 1024
#: Requests of one connection at the same time. nginx and HAProxy work on one, Envoy on 100 of HTTP/2.
MAX_REQUESTS: Final = 256


class DemuxHTTP(ClientConnection):
    """One connection of a client."""

    joins = "link"

    def __init__(self, target: Target, settings: dict[str, Any]) -> None:
        super().__init__(settings["bufferSize"])
        self._target = target
        self._slots: list[Slot] = []
        self._receiving: Slot | None = None  # whose request is coming in
        self._tunnel: Slot | None = None
        self._advancing = False
        self._half_closed = False  # the client has nothing more to say, but still listens
        self._kept = 0  # bytes of answers before their turn
        self._crowd: Valve | None = None

    def busy(self) -> bool:
        """See ``Filter``."""
        if self._streams is not None:
            return self._streams.busy()
        return bool(self._slots) or super().busy() if self._tunnel is None else self._tunnel.busy()

    def drain(self) -> None:
        """See ``ClientConnection``. What is behind a tunnel is asked instead."""
        if self._tunnel is not None:
            self._tunnel.drain()
        else:
            super().drain()

    def _is_idle(self) -> bool:
        """See ``ClientConnection``."""
        return not self._slots and super()._is_idle()

    def close(self) -> None:
        """See ``Filter``."""
        super().close()
        slots, self._slots = self._slots, []
        self._receiving = self._tunnel = None
        for slot in slots:
            slot.close()
        relieve(self._crowd)

    # -- from the client --------------------------------------------------------------------------------------------

    def _decode(self, decoder: RequestDecoder, payload: bytes) -> None:
        ClientConnection._decode(self, decoder, payload)  # as in ReceivedHead
        if len(self._slots) > MAX_REQUESTS or (decoder.state is WAIT and decoder.held > HIGH_WATER):
            self._wait()

    def _may_switch(self) -> bool:
        return not (self._slots or self.retiring)

    def _stream(self, answer: Answer) -> Branch:
        context = answer.served.context = self.host.clone_context()
        return self.host.join(self._target, answer.reply, context)

    def _request(self, event: Event) -> None:
        if type(event) is MessageStart:
            if self._settings is not None:
                self._upgrade(event, self._settings)
                return
            head = event.head
            assert type(head) is RequestHead
            self._requests += 1
            if self._requests >= self._most:
                self._end_behind(head)
            slot = Slot(self._limit, self, head, first=not self._slots)
            self._slots.append(slot)
            self._receiving = slot
            if self._load.memory_short:
                self.refused(503)
                self._refuse(503)
                return
            context = slot.context = self.host.clone_context()
            slot.branch = branch = self.host.join(self._target, slot.reply, context)
            branch.feed(event)
            return
        receiving = self._receiving or self._tunnel
        if event is END:
            self._receiving = None
            if receiving is not None:
                receiving.received = True
        if receiving is not None:
            receiving.feed(event)

    def _refuse(self, status: int, line: bytes = b"") -> None:
        """The client broke the protocol: answer with *status* in its turn, and let that be the last answer."""
        slot = self._receiving
        self._receiving = None
        if slot is None:
            slot = Slot(self._limit, self, LostHead(line), first=not self._slots)
            self._slots.append(slot)
        slot.refuse(status)

    def _end_of_client(self, event: StreamEnd) -> None:
        if event.error is not Failure.NONE:
            self._finish()
        elif self._tunnel is not None:
            self._tunnel.feed(event)
        else:
            self._half_closed = True
            if self._receiving is not None:
                self._refuse(400)
            elif not self._slots:
                self._finish()

    def waits_for(self) -> Wait:
        """See ``Patient``. A client that waits to be told to go on is waited for by nobody."""
        if self._receiving is not None and not self._receiving.expects:
            return BODY
        return NOTHING if self._slots or self._tunnel is not None else super().waits_for()

    def _wait(self) -> None:
        self._crowd = press(self.host, self._crowd)

    # -- from the slots ---------------------------------------------------------------------------------------------

    def is_last(self, slot: Slot) -> bool:
        """Whether a ``retiring`` connection ends behind the answer of *slot*: nobody has asked for more. Then nobody may."""
        decoder = self._decoder
        if self._slots[-1] is not slot or decoder is None or decoder.held or (slot.received and decoder.more):
            return False
        decoder.stop()
        return True

    def keep(self, size: int) -> bool:
        """A slot whose turn has not come keeps *size* bytes more (less, if negative). Gives whether it may."""
        self._kept += size
        return self._kept <= MAX_KEPT

    def answered(self, slot: Slot, final: bool) -> None:
        """*slot* has sent its answer; it is closed. The next one may speak."""
        if self._ended:  # by what was sent
            return
        assert self._slots[0] is slot
        del self._slots[0]
        if self._receiving is slot:
            self._receiving = None
        if self._crowd is not None and len(self._slots) <= MAX_REQUESTS // 2:
            relieve(self._crowd)
        if final:
            self._finish()
            return
        if slot.isolates and self._decoder is not None:
            self._resume(self._decoder)
        if self._slots:
            if not self._advancing:
                self._advance()
        elif self._half_closed:
            self._finish()

    def tunnelled(self, slot: Slot) -> None:
        """*slot* and its client have agreed on another protocol."""
        if self._ended:  # by what was sent
            return
        self._tunnel = slot
        relieve(self._crowd)
        if self._decoder is not None:
            self._decoder.tunnel()
        if self._half_closed:
            slot.feed(EOS)

    def _advance(self) -> None:
        self._advancing = True
        try:
            while self._slots and self._slots[0].replay():
                pass
        finally:
            self._advancing = False

    def _finish(self) -> None:
        self.abort(Failure.NONE)


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    registry.add_filter(
        "demuxHTTP",
        DemuxHTTP,
        [
            Param("target", PIPELINE, "what each request goes through"),
            options(Param("bufferSize", SIZE, "bytes of a response body that wait for its length to be known", BUFFER_SIZE)),
        ],
        help="Sends every request of a connection through a sub-pipeline of its own and answers in order.",
        group="joint",
    )
