"""A bounded load of our own: a few clients that ask again and again, and keep an account of every request that was lost."""

import socket
import threading
from collections import Counter
from typing import Self

from tests.system.clients import KEEP_ALIVE, read_body, read_head
from tests.system.pipy_process import PATIENCE

#: Requests on one connection; then a client comes back on a new one, so that ports are tried all the time.
REQUESTS = 20


class Load:
    """Clients that ask until the ``with`` block ends.

        with Load(port) as load:
            load.wait_for(100)
            ...
        assert load.lost == []

    :ivar answers: how often each body was given. :ivar lost: what happened to requests that were not answered with 200.
    :ivar refused: connections that were refused, which loses no request.
    """

    def __init__(self, port: int, clients: int = 8) -> None:
        self._port = port
        self.answers: Counter[bytes] = Counter()
        self.lost: list[str] = []
        self.refused = 0
        self._stop = threading.Event()
        self._news = threading.Condition()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(clients)]

    @property
    def good(self) -> int:
        """How many requests were answered."""
        return self.answers.total()

    def wait_for(self, count: int, body: bytes | None = None) -> None:
        """Wait until there are *count* more good answers than now, of *body* if that is given."""

        def number() -> int:
            return self.good if body is None else self.answers[body]

        with self._news:
            enough = number() + count
            assert self._news.wait_for(lambda: number() >= enough, PATIENCE), f"{self.answers} {self.lost[:5]}"

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Ask no more; what is asked for is waited for."""
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with socket.create_connection(("127.0.0.1", self._port), PATIENCE) as client:
                    self._converse(client)
            except ConnectionRefusedError:
                with self._news:
                    self.refused += 1
                    self._news.notify_all()
                self._stop.wait(0.01)

    def _converse(self, client: socket.socket) -> None:
        for _ in range(REQUESTS):
            if self._stop.is_set():
                return
            try:
                client.sendall(KEEP_ALIVE % b"/")
                start, fields, body = read_head(client)
                body = read_body(client, fields, body)
            except OSError as error:
                self._note(repr(error))
                return
            self._note("" if start == "HTTP/1.1 200 OK" else start, body)
            if fields.get("connection") == "close":
                return

    def _note(self, lost: str, body: bytes = b"") -> None:
        with self._news:
            if lost:
                self.lost.append(lost)
            else:
                self.answers[body] += 1
            self._news.notify_all()
