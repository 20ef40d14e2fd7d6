"""``acceptTLS(target, options)``: the server side of TLS. What a client says goes, decrypted, through a sub-pipeline.

The sub-pipeline begins with a flush when the handshake is done. Holds nothing but what OpenSSL does; where a function chooses the
certificate, the first message of the client too, 64 KiB at most.
"""

from functools import partial
from typing import Any

from pipy_core.api import (
    EOS,
    FLUSH,
    PIPELINE,
    Event,
    FirstWords,
    Function,
    Make,
    Options,
    Param,
    Registry,
    StreamEnd,
    Target,
    hookimpl,
)
from pipy_plugins.tls.contexts import Contexts
from pipy_plugins.tls.engine import Engine
from pipy_plugins.tls.hello import Hello, HelloReader, NotHello
from pipy_plugins.tls.settings import CERTIFICATE, COMMON, Settings, chosen
from pipy_plugins.tls.stream import TLSStream


class AcceptTLS(TLSStream):
    """One client: the peer is what this filter gets and emits, the user is the sub-pipeline."""

    @classmethod
    def prepare(cls, target: Target, given: dict[str, Any]) -> Make:
        """See ``Filter``.

        :raises ArgumentError: OpenSSL cannot do what the options say.
        """
        return partial(cls, Contexts(Settings.of(given, server=True)), target)

    def __init__(self, contexts: Contexts, target: Target) -> None:
        super().__init__(contexts, target)
        self._reader: HelloReader | None = None
        self._draining = False

    begins = True

    def begin(self) -> None:
        """See ``Filter``."""
        self._first = FirstWords(self.host.context.group, self.host.now())

    def close(self) -> None:
        """See ``Filter``."""
        self._first.heard()
        super().close()

    def process(self, event: Event) -> None:
        """See ``Filter``."""
        self.from_peer(event)

    def _patience(self) -> float:
        """See ``TLSStream``."""
        timeout = self._settings.timeout
        return self.host.limits.header_timeout if timeout is None else timeout

    def _timed_out(self) -> None:
        """See ``TLSStream``."""
        self.host.context.group.tally.refuse("handshake timeout")
        super()._timed_out()

    def _to_peer(self, event: Event) -> None:
        """See ``TLSStream``."""
        self.emit(event)

    def _to_user(self, event: Event) -> None:
        """See ``TLSStream``."""
        if self._branch is None:
            self._branch = self.host.join(self._target, self.from_user)
        self._branch.feed(event)

    def _decrypt(self, ciphertext: bytes) -> None:
        """See ``TLSStream``. A function that chooses the certificate is asked as soon as the client has said whom it means."""
        if self._engine is None:
            if self._reader is None:
                self._first.heard()
                self._start_timer()
            if not isinstance(self._settings.certificate, Function):
                self._open(None)
            else:
                reader = self._reader = self._reader or HelloReader()
                try:
                    hello = reader.feed(ciphertext)
                    if hello is None:
                        return
                except NotHello:
                    hello = Hello(None, None)  # OpenSSL will say so, and tell the client
                self._open(chosen(self.host, self._settings.certificate, (hello.server_names or [""])[0]))
                ciphertext, self._reader = bytes(reader.received), None
        super()._decrypt(ciphertext)

    def _established(self, engine: Engine) -> None:
        """See ``TLSStream``. The sub-pipeline begins, as a server that it leads to may be the first to speak."""
        self._to_user(FLUSH)
        if self._draining and self._branch is not None:
            self._branch.drain()

    def drain(self) -> None:
        """See ``Filter``. A handshake counts as begun: a request will follow. Who has not begun by the second call is let go."""
        if self._branch is not None:
            self._branch.drain()
        elif self._draining and self._reader is None and self._engine is None:
            self._peer_over = True
            self._end_output(EOS)
        else:
            self._draining = True

    def _peer_ended(self) -> None:
        """See ``TLSStream``. The client gets the answers that it still waits for."""
        self._end_input(EOS)

    def _peer_left(self, end: StreamEnd) -> None:
        """See ``TLSStream``. Many clients leave without a word; their protocol knows whether a request is complete."""
        self._end_input(end)

    def _end_input(self, end: StreamEnd) -> None:
        self._to_user(end)
        if not self._user_over and not self.busy():
            self._end_output(end)


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    registry.add_filter(
        "acceptTLS",
        AcceptTLS,
        [
            Param("target", PIPELINE, "the sub-pipeline for what is inside"),
            Param(
                "options",
                Options(
                    (
                        Param(
                            "certificate",
                            CERTIFICATE,
                            "the server's, { cert, key }; or a function that gives it, called with the name that the client asks "
                            "for (undefined if it does not say)",
                        ),
                        *COMMON,
                    )
                ),
                "named settings",
            ),
        ],
        help="Accepts TLS from a client: what it says goes, decrypted, through a sub-pipeline in the same context, and what comes "
        "out of that is encrypted for the client.",
        group="network",
    )
