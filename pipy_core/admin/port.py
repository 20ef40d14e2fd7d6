"""The admin port: a listener of its own, whose requests are answered by pages of plugins.

It is served by the filters that scripts use. It is no part of the program: a reload does not touch it, and nothing of it keeps the
program from ending. It runs beside a worker, or in the supervisor of many.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final, NoReturn

from pipy_core.admin.entrance import Entrance, tls_options
from pipy_core.admin.families import inbound_family, tally_families
from pipy_core.context import UNDEFINED, Context, Function, Group, ScriptDict
from pipy_core.counters import Tally
from pipy_core.errors import ArgumentError, StartError
from pipy_core.events import END, Data, Event, Message, MessageEnd, MessageStart
from pipy_core.figures import Family, merge
from pipy_core.filter import Emit, Filter
from pipy_core.layout import Layout, Use
from pipy_core.limits import Load
from pipy_core.net.admission import Admission
from pipy_core.net.listener import Listener
from pipy_core.net.reactor import Reactor
from pipy_core.net.sweep import Sweep
from pipy_core.pages import Instance, Pages, reply
from pipy_core.params import bind
from pipy_core.registry import Registry
from pipy_core.settings import Settings

#: Connections at the same time, whatever the program has. Nobody needs more.
MAX_CONNECTIONS: Final = 256
#: As ``listen`` has them. A client that has gone, or is slow on purpose, must not keep a probe waiting.
_OPTIONS: Final = {
    "maxConnections": MAX_CONNECTIONS,
    "headerTimeout": 5.0,
    "bodyTimeout": 5.0,
    "idleTimeout": 75.0,
    "readTimeout": 300.0,
    "writeTimeout": 60.0,
}
#: Bytes of the body of a request to a page.
MAX_BODY: Final = 1024 * 1024
#: Requests that wait for their pages at the same time; each is a greenlet, and may ask all workers for everything.
MAX_WAITING: Final = 64
#: Bytes of an answer that are sent with their length; more would be sent in chunks. Pages give whole answers anyway.
MAX_ANSWER: Final = 256 * 1024 * 1024
NAME: Final = "Admin Service"


class Admin:
    """The port, its pages, and the ``Services`` of its pipelines.

    :param instance: what the pages tell of.
    :ivar pages: what answers.
    """

    def __init__(self, reactor: Reactor, registry: Registry, settings: Settings, instance: Instance) -> None:
        self.reactor = reactor
        self._registry = registry
        self._settings = settings
        self._instance = instance
        self._listener: Listener | None = None
        self._sweep = Sweep(reactor, lambda: self._listener.connections if self._listener is not None else ())
        self._tally = Tally("admin")
        self._entrance = Entrance(settings)
        self.waiting = 0
        self.pages = Pages(self)
        self.turn = reactor.turn
        self.after = reactor.after
        self.now = reactor.now
        self.report = reactor.report
        self.book = reactor.book
        self.retired = False

    def open(self, address: tuple[str, int], register_pages: Callable[..., Any]) -> None:
        """Listen.

        :param register_pages: the hook of that name.
        :raises StartError: the port cannot be opened, a certificate cannot be read, or nothing is installed that speaks HTTP.
        """
        try:
            register_pages(pages=self.pages)
        except Exception as error:  # noqa: BLE001  # a stranger's bug: what is there by then is served
            self.report(error, "plugin")
        layout = self._layout()
        # Whoever looks after a process must see it when it is full, and when it is short of memory, above all.
        admission = Admission(replace(self.reactor.limits, max_connections=MAX_CONNECTIONS, load=Load()))
        listener = Listener(self.reactor, address, layout, _OPTIONS, _context, _nothing, self._tally, admission)
        listener.open()
        listener.serve(layout, _OPTIONS, _context, _nothing)
        self._listener = listener
        self._sweep.start([listener.limits])

    def _layout(self) -> Layout:
        answering = Layout("answer", "")
        answering.complete((Use("answer", partial(Answer, self)),), self)
        options = tls_options(self._settings)
        layout = Layout(NAME, "", "listen")
        if options is None:
            layout.complete((self._use("demuxHTTP", answering, ScriptDict(bufferSize=MAX_ANSWER)),), self)
        else:
            decrypted = Layout("http", "")
            decrypted.complete((self._use("demuxHTTP", answering, ScriptDict(bufferSize=MAX_ANSWER)),), self)
            layout.complete((self._use("acceptTLS", decrypted, options),), self)
        return layout

    def _use(self, name: str, target: Layout, options: ScriptDict | None = None) -> Use:
        """A filter that leads to *target*."""
        try:
            spec = self._registry.filter(name)
            given = bind(spec.forms, [_TARGET, options if options is not None else UNDEFINED])
            return Use(name, spec.filter.prepare(target, *given[1:]))
        except KeyError:
            raise StartError(f"The admin port needs the filter {name}, which no plugin brings") from None
        except ArgumentError as error:
            raise StartError(f"The admin port cannot be opened: {name} {error}") from error

    def abort(self) -> None:
        """Stop listening and cut all connections."""
        self._sweep.stop()
        if self._listener is not None:
            self._listener.abort()

    # -- as Instance ------------------------------------------------------------------------------------------------

    def figures(self) -> list[Family]:
        """See ``Instance``: those of the program, and of this port."""
        connections = self._listener.connections if self._listener is not None else ()
        own = [inbound_family({NAME: Counter(each.peer for each in connections)})]
        own += tally_families([self._tally], {self._tally.name: len(connections)})
        return merge([self._instance.figures(), own])

    def status(self) -> dict[str, Any]:
        """See ``Instance``."""
        return self._instance.status()

    # -- as Services ------------------------------------------------------------------------------------------------

    def answer(self, request: Message) -> Message:
        """The response to *request*. What a page raises is logged, and a 500. May wait."""
        refusal = self._entrance.refusal(request)
        if refusal is not None:
            return refusal
        try:
            return self.pages.answer(request)
        except Exception as error:  # noqa: BLE001  # a page is a stranger's
            self.report(error, NAME)
            return reply(500)

    def call(
        self,
        _context: Context,
        _function: Function,
        _args: tuple[Any, ...],
        _ahead: tuple[Function, ...] = (),
        _plain: bool = False,
    ) -> NoReturn:
        """See ``Services``; there are no functions."""
        raise NotImplementedError

    def clone_context(self, context: Context) -> Context:
        """See ``Services``: there are no variables."""
        return context

    def fork_contexts(self, _context: Context, _module: str, _initializers: Any) -> NoReturn:
        """See ``Services``; nobody forks here."""
        raise NotImplementedError

    def connect(self, _address: tuple[str, int], _options: Any, _reply: Emit) -> NoReturn:
        """See ``Services``; nobody connects here."""
        raise NotImplementedError

    def spawn(self, _arguments: Sequence[str], _options: Any, _reply: Emit, _exited: Callable[[int], None]) -> NoReturn:
        """See ``Services``; nobody runs programs here."""
        raise NotImplementedError


class Answer(Filter):
    """Collects one request, asks the pages in a greenlet of its own, and emits what they answer."""

    def __init__(self, admin: Admin) -> None:
        self._admin = admin
        self._start: MessageStart | None = None
        self._body: list[bytes] = []
        self._size = 0
        self._waiting = self._closed = False

    def process(self, event: Event) -> None:
        """See ``Filter``."""
        if isinstance(event, MessageStart):
            self._start = event
        elif isinstance(event, Data) and self._start is not None:
            self._size += len(event.payload)
            if self._size > MAX_BODY:
                self._start = None
                self._give(reply(413))
            else:
                self._body.append(event.payload)
        elif isinstance(event, MessageEnd) and self._start is not None:
            self._ask(Message(self._start.head, Data(b"".join(self._body))))

    def busy(self) -> bool:
        """See ``Filter``."""
        return self._waiting

    def close(self) -> None:
        """See ``Filter``."""
        self._closed = True

    def _ask(self, request: Message) -> None:
        self._start, self._body = None, []
        admin = self._admin
        if admin.waiting >= MAX_WAITING:
            self._give(reply(503, retry_after="1"))
            return
        admin.waiting += 1
        self._waiting = True

        def run() -> None:
            try:
                answer = admin.answer(request)
            finally:
                admin.waiting -= 1
            admin.reactor.run(self._give, answer)

        admin.reactor.soon(run)

    def _give(self, answer: Message) -> None:
        self._waiting = False
        if not self._closed:
            self.emit(MessageStart(answer.head))
            if answer.body is not None:
                self.emit(answer.body)
            self.emit(END)


#: Stands for a pipeline while arguments are checked: those of scripts are names.
_TARGET: Final = "answer"


def _context(inbound: tuple[Any, ...]) -> Context:
    return Context(0, Group(), inbound, lambda _number: None)


def _nothing(_context: Context) -> None:
    """No script ever heard of it."""
