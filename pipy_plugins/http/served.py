"""Counting requests that were answered, and telling whoever logs them."""

from typing import Final

from pipy_core.api import Context, Entry, Head, Host, Tally
from pipy_plugins.http.encoder import ResponseWriter
from pipy_plugins.http.heads import LostHead, RequestHead
from pipy_plugins.http.order import Connection

#: What nginx calls a request whose client has gone before there was an answer.
CLIENT_GONE: Final = 499


class Served:
    """One request, from its head on, until it is answered or never will be.

    :ivar context: the one it is answered in.
    """

    __slots__ = ("_host", "_request", "_since", "context")

    def __init__(self, host: Host, request: RequestHead) -> None:
        self._host: Host | None = host
        self._request: RequestHead | None = request
        self._since = host.now()
        self.context: Context | None = None

    def done(self, status: int, size: int) -> None:
        """It has been answered with *status* and a body of *size* bytes. Only the first time counts."""
        host, self._host = self._host, None
        if host is not None:
            count(host, self._since, status, size, self._request, self.context)
            self._request = self.context = None


class CountedWriter(ResponseWriter):
    """The response to one request, which is counted as by ``Served``, without another object.

    :ivar context: the one it is answered in.
    """

    __slots__ = ("_request", "_since", "context")

    def __init__(self, limit: int, connection: Connection, request: RequestHead | LostHead) -> None:
        ResponseWriter.__init__(self, limit)  # see ReceivedHead
        self._request: RequestHead | LostHead | None = request
        self._since = connection.now()  # 0 when it has been counted
        self.context: Context | None = None

    def _count(self, connection: Connection, status: int) -> None:
        """It has been answered, or never will be. Only the first time counts."""
        since, self._since = self._since, 0.0
        if not since:
            return
        tally = connection.host.context.group.tally
        if tally.log is None:
            tally.answered(status, connection.now() - since)
        else:
            count(connection.host, since, status, self.size, self._request, self.context)


def count(host: Host, since: float, status: int, size: int, request: Head | None, context: Context | None) -> None:
    """A request of the connection in *host* has been answered; *since* is when its head had come. See ``Served``."""
    tally = host.context.group.tally
    seconds = host.now() - since
    tally.answered(status, seconds)
    if tally.log is not None:
        tally.log(entry(tally, host.context, status, size, seconds, request, context))


def entry(
    tally: Tally, connection: Context, status: int, size: int, seconds: float, request: Head | None, context: Context | None
) -> Entry:
    """What is logged. Scripts may have changed the head since: it is as it came."""
    inbound = connection.inbound or (0, "", 0)
    fields = request.original() if isinstance(request, RequestHead | LostHead) else {"method": "", "path": "", "protocol": ""}
    upstream = context.upstream if context is not None else ""
    return Entry.of(
        fields, status, size, seconds, client=inbound[1], client_port=inbound[2], listener=tally.name, upstream=upstream
    )
