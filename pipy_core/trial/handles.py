"""What a test written in Python holds: ports, connections, runs of pipelines, tasks, upstreams. See ``driver.Script``."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from pipy_core.events import Data, Event, Failure, Message
from pipy_core.net.tasks import TaskRunner
from pipy_core.trial.messages import Request, Response, payload, request_from, request_message
from pipy_core.trial.pending import Pending
from pipy_core.trial.streams import Client, Done, Stream
from pipy_core.trial.trial import Trial
from pipy_core.trial.upstreams import Upstream as PlayedUpstream

#: Does something on the reactor's thread, and gives what came of it.
Do: TypeAlias = Callable[..., Any]


class Connection:
    """A connection to a port of the script."""

    def __init__(self, do: Do, trial: Trial, client: Client) -> None:
        self._do = do
        self._trial = trial
        self._client = client

    def send(self, content: bytes | str) -> None:
        """Send bytes, or text as UTF-8. :raises NotOpen: the connection has ended."""
        self._do(self._client.send, payload(content))

    def begin(
        self, method: str = "GET", path: str = "/", headers: Mapping[str, Any] | None = None, body: bytes | str = b""
    ) -> Pending:
        """Send a request, whose response may need time: see ``Pending``."""
        __tracebackhide__ = True
        pending = Pending(self._trial, f"{method} {path}")
        self._do(self._client.request, request_message(method, path, headers, body), pending.finish)
        return pending

    def request(
        self, method: str = "GET", path: str = "/", headers: Mapping[str, Any] | None = None, body: bytes | str = b""
    ) -> Response:
        """Send a request and give its response. :raises NoResponse: there is none without more being done."""
        __tracebackhide__ = True
        return self.begin(method, path, headers, body).response()

    def end(self) -> None:
        """Send no more; what the script answers still comes."""
        self._do(self._client.end)

    def abort(self) -> None:
        """Go away without a word."""
        self._do(self._client.abort)

    @property
    def received(self) -> bytes:
        """All that the script has sent so far."""
        return bytes(self._client.received)

    @property
    def closed(self) -> bool:
        """Whether the connection has ended."""
        return self._client.closed

    @property
    def error(self) -> str:
        """The error that the script ended it with: that of its StreamEnd."""
        return self._client.error

    def variable(self, name: str) -> Any:
        """The value of a script variable for this connection."""
        return self._do(self._trial.variable, self._client, name)


class Port:
    """A port of the script.

    :ivar address: as the test says it; None: the only one there is.
    """

    def __init__(self, do: Do, trial: Trial, address: int | str | None) -> None:
        self._do = do
        self._trial = trial
        self.address = address

    def open(self, **inbound: Any) -> Connection:
        """Connect.

        :param inbound: ``remoteAddress``, ``remotePort``, ``localAddress``: what scripts see in ``__inbound``.
        :raises NotThere: the script does not listen there. :raises LoadError: it cannot be loaded.
        """
        return Connection(self._do, self._trial, self._do(self._trial.open, self.address, inbound))

    def begin(
        self, method: str = "GET", path: str = "/", headers: Mapping[str, Any] | None = None, body: bytes | str = b""
    ) -> Pending:
        """Send a request over a new connection, which ends with its response; that may need time: see ``Pending``."""
        __tracebackhide__ = True
        pending = Pending(self._trial, f"{method} {path}")
        self._do(self._begin, request_message(method, path, headers, body), pending.finish)
        return pending

    def _begin(self, message: Message, done: Done) -> None:
        client = self._trial.open(self.address)

        def finish(result: Message | str) -> None:
            done(result)
            client.end()

        client.request(message, finish)

    def request(
        self, method: str = "GET", path: str = "/", headers: Mapping[str, Any] | None = None, body: bytes | str = b""
    ) -> Response:
        """Send a request over a new connection and give its response. :raises NoResponse: see ``Connection``."""
        __tracebackhide__ = True
        return self.begin(method, path, headers, body).response()


class PipelineRun:
    """A run of a named pipeline."""

    def __init__(self, do: Do, trial: Trial, stream: Stream) -> None:
        self._do = do
        self._trial = trial
        self._stream = stream
        self._taken = 0

    def send(self, *events: Event | Message | bytes | str) -> None:
        """Feed events; bytes and text stand for a Data, a Message for its events."""
        self._do(self._stream.feed, [Data(payload(each)) if isinstance(each, bytes | str) else each for each in events])

    def end(self) -> None:
        """Feed a StreamEnd."""
        self._do(self._stream.end)

    @property
    def output(self) -> list[Event]:
        """All events that came out so far."""
        return list(self._stream.output)

    def take(self) -> list[Event]:
        """The events that came out since this was last asked."""
        events = self.output[self._taken :]
        self._taken += len(events)
        return events

    @property
    def messages(self) -> list[Message]:
        """The whole messages that came out so far."""
        return self._stream.messages()

    @property
    def closed(self) -> bool:
        """Whether a StreamEnd has come out."""
        return self._stream.closed

    @property
    def error(self) -> str:
        """The error of the StreamEnd that has come out."""
        return self._stream.error

    def variable(self, name: str) -> Any:
        """The value of a script variable in this run."""
        return self._do(self._trial.variable, self._stream, name)


class Task:
    """A task of the script; unlike in the program it does not run before it is told to."""

    def __init__(self, do: Do, trial: Trial, runner: TaskRunner) -> None:
        self._do = do
        self._trial = trial
        self._runner = runner

    def run(self) -> None:
        """Run it once, unless it still runs."""
        self._do(lambda: self._trial.surroundings.run(self._runner.run))

    def start(self) -> None:
        """Run it now, and then at its interval as time passes."""
        self._do(self._runner.start)


class Upstream:
    """A server that the test plays."""

    def __init__(self, do: Do, upstream: PlayedUpstream) -> None:
        self._do = do
        self._upstream = upstream

    @property
    def requests(self) -> list[Request]:
        """The requests that have come, oldest first."""
        return [request_from(message) for message in self._upstream.requests]

    @property
    def received(self) -> bytes:
        """All bytes that have come."""
        return self._upstream.received

    @property
    def connections(self) -> int:
        """How many connections there have been."""
        return len(self._upstream.links)

    def send(self, content: bytes | str) -> None:
        """Send something unasked, over the newest connection. :raises TypeError: there is none."""
        self._do(self._upstream.send, payload(content))

    def close(self) -> None:
        """Close all connections."""
        self._do(self._upstream.close)

    def reset(self) -> None:
        """Reset all connections: the script sees ``ReadError``."""
        self._do(self._upstream.close, Failure.READ_ERROR)
