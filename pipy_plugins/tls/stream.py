"""What ``acceptTLS`` and ``connectTLS`` have in common: a user who speaks plaintext, a peer who speaks ciphertext.

Everything happens within turns. What the user says before the handshake is done waits, and so does whoever says it.
"""

from abc import abstractmethod
from collections import deque
from typing import Final

from pipy_core.api import (
    EOS,
    FLUSH,
    Backlog,
    Data,
    Event,
    Failure,
    Joint,
    MessageStart,
    StreamEnd,
    Target,
    Timer,
    Valve,
    get_logger,
    press,
    relieve,
)
from pipy_plugins.tls.contexts import Contexts
from pipy_plugins.tls.engine import Broken, Engine
from pipy_plugins.tls.judge import Judge
from pipy_plugins.tls.settings import HANDSHAKE_LIMIT, Pair

#: The user waits while more than this waits for the handshake.
HIGH_WATER: Final = 64 * 1024

_log = get_logger("tls")


class TLSStream(Joint):
    """One connection, from either side."""

    joins = "link"

    def __init__(self, contexts: Contexts, target: Target) -> None:
        self._contexts = contexts
        self._settings = contexts.settings
        self._target = target
        self._engine: Engine | None = None  # None: nothing has happened yet
        self._waiting: Backlog | None = None  # what the user has said before the handshake was done
        self._valve: Valve | None = None
        self._timer: Timer | None = None
        self._inputs: deque[Event] = deque()
        self._receiving = False
        self._peer_over = False  # nothing more that the peer says counts
        self._user_over = False  # nothing more is to be told to the peer
        self._judge: Judge | None = None  # None: the peer need not show a certificate

    # -- the two sides ----------------------------------------------------------------------------------------------

    @abstractmethod
    def _to_peer(self, event: Event) -> None:
        """Hand on ciphertext, or the end."""

    @abstractmethod
    def _to_user(self, event: Event) -> None:
        """Hand on plaintext, or the end."""

    @abstractmethod
    def _established(self, engine: Engine) -> None:
        """The handshake is done."""

    @abstractmethod
    def _peer_ended(self) -> None:
        """The peer has said that nothing more will come."""

    @abstractmethod
    def _peer_left(self, end: StreamEnd) -> None:
        """The connection has ended, and the peer has not said that it would."""

    # -- from the peer ----------------------------------------------------------------------------------------------

    def from_peer(self, event: Event) -> None:
        """Ciphertext has come, or the end of the connection. What comes while this goes on is dealt with afterwards, in order."""
        if self._receiving:
            self._inputs.append(event)
            return
        self._receiving = True
        try:
            self._take_in(event)
            while self._inputs:
                self._take_in(self._inputs.popleft())
        finally:
            self._receiving = False

    def _take_in(self, event: Event) -> None:
        if type(event) is Data:
            if event.payload and not self._peer_over:
                self._decrypt(event.payload)
        elif type(event) is StreamEnd and not self._peer_over:
            self._peer_over = True
            if self._engine is not None and self._engine.established:
                self._peer_left(event)
            else:
                self._end_both(event.error)

    def _decrypt(self, ciphertext: bytes) -> None:
        """Take what the peer has sent."""
        engine = self._engine
        assert engine is not None
        plaintext: list[bytes] = []
        before = engine.established
        trouble: Broken | None = None
        try:
            engine.receive(ciphertext, plaintext)
        except Broken as error:
            trouble = error
        if not (before and plaintext):  # the handshake goes on, or something else is to be answered
            self._answer(engine)
        if engine.established and not before:
            self._stop_timer()
            self.host.context.alpn = engine.alpn
            self._established(engine)
        if plaintext:
            self._heard(engine, Data(plaintext[0] if len(plaintext) == 1 else b"".join(plaintext)))
        if trouble is not None:
            self._fail(trouble)
        elif engine.ended and not self._peer_over:
            self._peer_over = True
            self._peer_ended()

    def _heard(self, _engine: Engine, data: Data) -> None:
        """The peer has said something."""
        self._to_user(data)

    def _answer(self, engine: Engine) -> None:
        reply = engine.take()
        if reply:
            self._to_peer(Data(reply))

    # -- from the user ----------------------------------------------------------------------------------------------

    def from_user(self, event: Event) -> None:
        """Plaintext has come, or its end. Messages have no meaning here."""
        if self._user_over:
            return
        engine = self._engine
        if engine is not None and engine.established and self._waiting is None:
            self._encrypt(event)
        elif type(event) is not MessageStart:
            self._wait(event)

    def _encrypt(self, event: Event) -> None:
        """Say *event* to the peer; the handshake is done."""
        if type(event) is Data and event.payload:
            engine = self._engine
            assert engine is not None
            try:
                ciphertext = engine.send(event.payload)
            except Broken as error:
                self._fail(error, Failure.WRITE_ERROR)
                return
            self._to_peer(Data(ciphertext))
        elif type(event) is StreamEnd:
            self._end_output(event)
        elif type(event) is not MessageStart:
            self._to_peer(FLUSH)

    def _end_output(self, end: StreamEnd) -> None:
        """The user has said everything, and the peer is told; if it breaks off, the peer is to notice that (RFC 8446, 6.1)."""
        if self._user_over:
            return
        self._user_over = True
        if end.error is Failure.NONE and self._engine is not None:
            farewell = self._engine.end()
            if farewell:
                self._to_peer(Data(farewell))
        self._to_peer(end)

    def _wait(self, event: Event) -> None:
        if self._waiting is None:
            self._waiting = Backlog()
        if not self._waiting.add(event):
            _log.error("more than 16 MiB came before the handshake was done")
            self._end_both(Failure.BUFFER_OVERFLOW)
        elif self._waiting.size > HIGH_WATER:
            self._valve = press(self.host, self._valve)

    def _release(self) -> None:
        """Say what has waited for the handshake."""
        waiting = self._waiting
        if waiting is not None:
            waiting.drain(self._encrypt)
            self._waiting = None
        relieve(self._valve)

    # -- the handshake ----------------------------------------------------------------------------------------------

    def _start_timer(self) -> None:
        """The handshake begins; it must not take for ever."""
        seconds = self._patience()
        if seconds:
            self._timer = self.host.after(seconds, self._timed_out)

    def _patience(self) -> float:
        """Seconds for the handshake; 0: for ever."""
        return HANDSHAKE_LIMIT if self._settings.timeout is None else self._settings.timeout

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _timed_out(self) -> None:
        self._timer = None
        _log.warning("Handshake failed (timeout)")
        self._end_both(Failure.CONNECTION_TIMEOUT)

    def _open(self, pair: Pair | None, name: str = "") -> Engine:
        """Begin, with the certificate and key that a function gave, or the usual ones. *name* is who the peer should be."""
        engine = self._engine = Engine(self._contexts.of(pair), server=self._settings.server)
        if self._settings.trusted or self._settings.verify is not None:
            self._judge = Judge(self.host, self._settings, name)
            engine.belongs_to(self._judge)
        return engine

    # -- the end ----------------------------------------------------------------------------------------------------

    def _is_handshake(self) -> bool:
        """Whether what goes wrong now is about the handshake."""
        return self._engine is None or not self._engine.established

    def _fail(self, trouble: Broken, failure: Failure = Failure.READ_ERROR) -> None:
        """The connection cannot go on. The peer is told, and so is the log.

        :raises ScriptError: the script's verification threw it, that is why.
        """
        assert self._engine is not None
        what = "Write" if failure is Failure.WRITE_ERROR else "Read"
        if self._is_handshake():
            what, failure = "Handshake", Failure.UNAUTHORIZED
        if not self._user_over:
            self._answer(self._engine)  # the alert
        lines = [f"{what} failed (error = {trouble.code})", *trouble.reasons]
        if self._judge is not None:
            if self._judge.thrown is not None:
                raise self._judge.thrown
            if self._judge.refusal:
                lines.append(f"the certificate of the peer: {self._judge.refusal}")
        _log.warning("\n".join(lines))
        self._end_both(failure)

    def _end_both(self, failure: Failure) -> None:
        """Nothing more comes or goes."""
        self._stop_timer()
        peer_told, self._user_over, self._peer_over = self._user_over, True, True
        self._waiting = None
        relieve(self._valve)
        end = StreamEnd(failure) if failure is not Failure.NONE else EOS
        if not peer_told:
            self._to_peer(end)
        self._to_user(end)

    def close(self) -> None:
        """See ``Filter``."""
        self._peer_over = self._user_over = True
        if self._engine is not None:
            self._engine.close()
        relieve(self._valve)
        super().close()
