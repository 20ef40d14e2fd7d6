"""Requests that come together are taken up as there is room for what they lead to.

A few hundred bytes may ask for gigabytes. A reader waits while something that it has fed is too full, but what one read has brought
may be many requests: the decoder pauses between two of them for the same reason. Meanwhile the rest is kept, at most what that read
has brought and the next one, and the end of the input comes behind it.
"""

from abc import abstractmethod

from pipy_core.api import Failure, Filter, StreamEnd, Valve, press, relieve
from pipy_plugins.http.decoder import PAUSE
from pipy_plugins.http.requests import RequestDecoder


class RequestReader(Filter):
    """What filters have in common that decode requests. The decoder is to be given ``_pauses``."""

    _decoder: RequestDecoder | None
    # What is hardly ever of use is not kept for each of the connections, of which many are idle.
    _pause: Valve | None = None  # closed while requests wait, as soon as more has come
    _behind: StreamEnd | None = None  # what came behind them

    @property
    def paused(self) -> bool:
        """Whether requests have come that are not decoded yet because there is no room for what they lead to."""
        return self._decoder is not None and self._decoder.state is PAUSE

    def busy(self) -> bool:
        """See ``Filter``."""
        return self.paused

    def close(self) -> None:
        """See ``Filter``."""
        super().close()
        self._behind = None
        relieve(self._pause)

    @abstractmethod
    def _decode(self, decoder: RequestDecoder, payload: bytes) -> None:
        """Decode what was kept and *payload*, in a turn of the client's or of nobody. To call ``_hold`` if the decoder pauses."""

    @abstractmethod
    def _end_of_client(self, event: StreamEnd) -> None:
        """The client sends nothing more."""

    def _hold(self) -> None:
        """Nothing more is read until what is kept is decoded."""
        self._pause = press(self.host, self._pause)

    def _pauses(self) -> bool:
        """See ``RequestDecoder``."""
        if not self.host.full():
            return False
        self.host.when_relieved(self._go_on)
        return True

    def _go_on(self) -> None:
        decoder = self._decoder
        if decoder is None:
            return
        decoder.go_on()
        self._decode(decoder, b"")
        if not self.paused:
            relieve(self._pause)
            end, self._behind = self._behind, None
            if end is not None:
                self._end_of_client(end)

    def _end_behind_rest(self, event: StreamEnd) -> None:
        """The client's input has ended: in order only behind the requests that wait."""
        if self.paused and event.error is Failure.NONE:
            self._behind = event
        else:
            self._end_of_client(event)
