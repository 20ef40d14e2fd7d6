"""The admin port: a listener of its own, whose requests are answered by pages of plugins; and what it tells them of this worker.

It is no part of the program: a reload does not touch it, and nothing of it keeps the program from ending.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NoReturn

from pipy_core.context import Context, Function, Group
from pipy_core.errors import StartError
from pipy_core.events import Message
from pipy_core.filter import Emit
from pipy_core.layout import Layout, Use
from pipy_core.net.listener import Listener
from pipy_core.net.ports import Ports
from pipy_core.net.reactor import Reactor
from pipy_core.pages import Family, Pages, reply
from pipy_core.registry import Registry
from pipy_core.script.engine import Engine
from pipy_core.script.program import Program

#: Clients that are told apart in figures; the others are in the totals only.
MAX_PEERS: Final = 1000
#: As ``listen`` has them. Nobody needs more, and a client that has gone must not hold one for ever.
_OPTIONS: Final = {"maxConnections": 64, "readTimeout": 300.0, "writeTimeout": 60.0}
NAME: Final = "Admin Service"


class Admin:
    """The port, its pages, and the ``Services`` of its pipelines.

    :param program: gives the running one.
    """

    def __init__(
        self, reactor: Reactor, registry: Registry, ports: Ports, engine: Engine, program: Callable[[], Program | None]
    ) -> None:
        self._reactor = reactor
        self._registry = registry
        self._ports = ports
        self._engine = engine
        self._program = program
        self._listener: Listener | None = None
        self.pages = Pages(self)
        self.turn = reactor.turn
        self.after = reactor.after
        self.now = reactor.now
        self.report = reactor.report

    def open(self, address: tuple[str, int], register_pages: Callable[..., Any]) -> None:
        """Listen.

        :param register_pages: the hook of that name.
        :raises StartError: the port cannot be opened, or nothing is installed that speaks HTTP.
        """
        try:
            serve = self._registry.filter("serveHTTP").filter
        except KeyError:
            raise StartError("The admin port needs the filter serveHTTP, which no plugin brings") from None
        try:
            register_pages(pages=self.pages)
        except Exception as error:  # noqa: BLE001  # a stranger's bug: what is there by then is served
            self.report(error, "plugin")
        layout = Layout(NAME, "", "listen")
        layout.complete((Use("serveHTTP", serve.prepare(Function(0))),), self)
        listener = Listener(self._reactor, address, layout, _OPTIONS, _context, _nothing)
        listener.open()
        listener.serve(layout, _OPTIONS, _context, _nothing)
        self._listener = listener

    def close(self) -> None:
        """Stop listening; what is being answered is answered."""
        if self._listener is not None:
            self._listener.close()
            self._listener.drain()

    def abort(self) -> None:
        """Stop listening and cut all connections."""
        if self._listener is not None:
            self._listener.close()
            for inbound in list(self._listener.connections):
                inbound.abort()

    # -- as Instance ------------------------------------------------------------------------------------------------

    def ask(self, name: str, *args: Any) -> Any:
        """See ``Instance``."""
        return self._engine.ask(name, *args)

    def figures(self) -> list[Family]:
        """See ``Instance``. The names are the original's (spec: cli-admin.md, 6)."""
        listeners = [*self._ports.listeners, *([self._listener] if self._listener is not None else [])]
        inbound = {_name(each): Counter(inbound.peer for inbound in each.connections) for each in listeners}
        outbound = Counter(f"[{host}]:{port}" for host, port in (each.peer for each in self._reactor.outbounds))
        unsent = sum(inbound.unsent for each in listeners for inbound in each.connections)
        sizes = {"Inbound": unsent, "Outbound": sum(each.unsent for each in self._reactor.outbounds)}
        sizes["Script"] = self._engine.codec.pinned
        return [
            Family("pipy_inb_cnt", "gauge", "Inbound connections.", list(_inbound(inbound))),
            Family("pipy_out_cnt", "gauge", "Outbound connections.", list(_one_label("peer", outbound))),
            Family("pipy_chk_size", "gauge", "Bytes that are held, by who holds them.", list(_one_label("type", sizes))),
            Family("pipy_ppl_cnt", "gauge", "Active pipelines.", list(self._pipelines())),
            Family("pipy_obj_cnt", "gauge", "Objects that scripts hold.", list(_one_label("type", self._engine.count()))),
        ]

    def _pipelines(self) -> Iterator[tuple[str, list[tuple[str, str]], str]]:
        program = self._program()
        layouts = list(program.layouts()) if program is not None else []
        yield "", [], str(sum(layout.running for layout in layouts))
        for layout in layouts:
            yield "", [("module", layout.module), ("name", layout.name)], str(layout.running)

    # -- as Services ------------------------------------------------------------------------------------------------

    def call(
        self, _context: Context, _function: Function, args: tuple[Any, ...], _ahead: tuple[Function, ...] = (), _plain: bool = False
    ) -> Message:
        """The one function there is: the handler of ``serveHTTP``. What a page raises is logged, and a 500."""
        try:
            return self.pages.answer(args[0])
        except Exception as error:  # noqa: BLE001  # a page is a stranger's
            self.report(error, NAME)
            return reply(500)

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


def _context(inbound: tuple[Any, ...]) -> Context:
    return Context(0, Group(), inbound, lambda _number: None)


def _nothing(_context: Context) -> None:
    """No script ever heard of it."""


def _name(listener: Listener) -> str:
    host, port = listener.address
    return NAME if listener.layout.name == NAME else f"{port}@{host}"


def _one_label(label: str, numbers: Mapping[str, int]) -> Iterator[tuple[str, list[tuple[str, str]], str]]:
    yield "", [], str(sum(numbers.values()))
    for value, number in Counter(numbers).most_common(MAX_PEERS):
        yield "", [(label, value)], str(number)


def _inbound(numbers: Mapping[str, Counter[str]]) -> Iterator[tuple[str, list[tuple[str, str]], str]]:
    yield "", [], str(sum(peers.total() for peers in numbers.values()))
    for name, peers in numbers.items():
        yield "", [("listen", name)], str(peers.total())
        for peer, number in peers.most_common(MAX_PEERS):
            yield "", [("listen", name), ("peer", peer)], str(number)
