"""What is counted of attempts to connect."""

from pipy_core.events import Failure
from pipy_core.net.attempts import CONNECT_TIME, CONNECTS, counted


def test_attempts(reactor):
    assert counted(reactor, ("h", 80), lambda: None) is None
    assert counted(reactor, ("::1", 80), lambda: Failure.CONNECTION_REFUSED) is Failure.CONNECTION_REFUSED
    assert reactor.book.counter(CONNECTS).values == {("h:80", "connected"): 1, ("[::1]:80", "ConnectionRefused"): 1}
    assert list(reactor.book.histogram(CONNECT_TIME).cells) == [("h:80",)]
