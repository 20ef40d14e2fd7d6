"""``decompressHTTP`` and ``decompressMessage``: bodies are decompressed while they pass; see ``flow``."""

from typing import Any, Final

from pipy_core.api import (
    FUNCTION,
    SIZE,
    STRING,
    Function,
    MessageStart,
    Number,
    OneOf,
    Param,
    Registry,
    absent,
    content_codings,
    get_logger,
    hookimpl,
    options,
)
from pipy_plugins.compression.decoders import ALGORITHMS, Decoder, decoder_of
from pipy_plugins.compression.flow import RATIO_LIMIT, Decompress

_log = get_logger("decompress")


class DecompressHTTP(Decompress):
    """Decompresses what ``content-encoding`` says is compressed."""

    def __init__(self, *args: Any) -> None:
        super().__init__(args[-1])
        self._enable: Function | None = args[0] if len(args) > 1 else None

    def choose(self, start: MessageStart) -> Decoder | None:
        """See ``Decompress``."""
        headers = start.head.get("headers") if start.head is not None else None
        coding = headers.get("content-encoding") if isinstance(headers, dict) else None
        decoder = decoder_of(content_codings(coding)) if coding else None
        if decoder is not None and self._enable is not None and not self.host.call(self._enable, start):
            return None
        return decoder

    def is_awaited(self, start: MessageStart) -> bool:
        """See ``Decompress``: the client waits for 100 Continue."""
        return start.head is not None and "expect" in start.head.fields["headers"]

    def decoded(self, start: MessageStart) -> MessageStart:
        """See ``Decompress``."""
        head = start.head
        assert head is not None
        headers = head.fields["headers"]
        outdated = {name: headers[name] for name in ("content-encoding", "content-length") if name in headers}
        return MessageStart(head.derived(head.fields, outdated))


class DecompressMessage(Decompress):
    """Decompresses as a script says."""

    def __init__(self, algorithm: str | Function, settings: dict[str, Any]) -> None:
        super().__init__(settings)
        self._algorithm = algorithm

    def choose(self, start: MessageStart) -> Decoder | None:
        """See ``Decompress``."""
        algorithm = self._algorithm
        name = self.host.call(algorithm, start) if isinstance(algorithm, Function) else algorithm
        if absent(name) or name == "":
            return None
        if isinstance(name, str) and name in ALGORITHMS:
            return ALGORITHMS[name]()
        _log.error(f"unknown compression algorithm: {name}")
        return None


_OPTIONS: Final = options(
    Param("sizeLimit", SIZE, "bytes a body may expand to; 0: no limit", 0),
    Param("ratioLimit", Number(0), "beyond 64 MiB: bytes of output for a byte of input; 0: no limit", RATIO_LIMIT),
)


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    enable = Param("enable", FUNCTION, "called with the MessageStart of a compressed message: whether to decompress it", None)
    registry.add_filter(
        "decompressHTTP",
        DecompressHTTP,
        [enable, _OPTIONS],
        [_OPTIONS],
        help="Decompresses bodies by their content-encoding: gzip, deflate, br, zstd, or several of them. Scripts still see the "
        "head as it came; it is sent without content-encoding.",
        group="codecs",
    )
    names = f"the algorithm ({', '.join(sorted(ALGORITHMS))}), or a function that gets the MessageStart; nothing: not compressed"
    registry.add_filter(
        "decompressMessage",
        DecompressMessage,
        [Param("algorithm", OneOf((FUNCTION, STRING)), names), _OPTIONS],
        help="Decompresses the bodies of messages.",
        group="codecs",
    )
