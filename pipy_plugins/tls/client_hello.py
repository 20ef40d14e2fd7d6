"""``handleTLSClientHello(callback)``: tell the script what a TLS client asks for, and pass everything on as it is.

Keeps a copy of the first message, 64 KiB at most, until it is complete. What is no TLS is not told. Spec: filters.md, 5.
"""

from pipy_core.api import FUNCTION, Data, Event, Filter, FirstWords, Function, Param, Registry, hookimpl
from pipy_plugins.tls.hello import Hello, HelloReader, NotHello


class HandleTLSClientHello(Filter):
    """Calls the script once, before the event that completes the message is passed on."""

    def __init__(self, callback: Function) -> None:
        self._callback = callback
        self._reader: HelloReader | None = HelloReader()  # None: there is nothing more to find out

    begins = True

    def begin(self) -> None:
        """See ``Filter``."""
        self._first = FirstWords(self.host.context.group, self.host.now())

    def process(self, event: Event) -> None:
        """See ``Filter``."""
        if self._reader is not None and type(event) is Data:
            self._look(self._reader, event.payload)
        self.emit(event)

    def close(self) -> None:
        """See ``Filter``."""
        self._reader = None
        self._first.heard()

    def _look(self, reader: HelloReader, payload: bytes) -> None:
        try:
            hello = reader.feed(payload)
        except NotHello:
            self.close()
            return
        if hello is not None:
            self.close()
            self.host.call(self._callback, shown(hello))


def shown(hello: Hello) -> dict[str, list[str]]:
    """*hello* as scripts see it: with the properties that the client has sent."""
    found = {"serverNames": hello.server_names, "protocolNames": hello.protocol_names}
    return {name: values for name, values in found.items() if values is not None}


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    registry.add_filter(
        "handleTLSClientHello",
        HandleTLSClientHello,
        [
            Param(
                "callback",
                FUNCTION,
                "called once with an object: serverNames (SNI) and protocolNames (ALPN), arrays of strings that are there if the "
                "client has sent them",
            )
        ],
        help="Tells the script what a TLS client asks for in its first message, and passes everything on unchanged. It is not "
        "called for a stream that is not TLS.",
        group="codecs",
    )
