"""What a supervisor and its workers say to each other: messages, and how they become bytes. Pure.

On the wire a message is its length in four bytes, then JSON. Sockets travel beside the bytes, see ``channel``.
"""

import signal
from typing import Any, Final, TypeAlias

import msgspec

from pipy_core import limits
from pipy_core.errors import ProtocolError
from pipy_core.settings import Settings

#: Bytes of one message. The largest are the files of a script, which ``script.host.RECORDED_LIMIT`` bounds; they travel as base64.
MAX_MESSAGE: Final = 64 * 1024 * 1024
#: Sockets beside one message; Linux takes 253.
MAX_SOCKETS: Final = 100
_PREFIX: Final = 4
#: Signals that a worker leaves to its supervisor, which passes on what is meant for it: a terminal sends them to both.
LEFT_TO_SUPERVISOR: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Address(msgspec.Struct, frozen=True):
    """A port that a script listens on, with the options that matter to whoever opens it."""

    host: str
    port: int
    transparent: bool = False


# -- to a worker ------------------------------------------------------------------------------------------------------


class Welcome(msgspec.Struct, tag=True):
    """The first message. :ivar number: which worker it is, from 1."""

    number: int
    settings: Settings


class Load(msgspec.Struct, tag=True):
    """Load the script beside what runs. Answered by ``Loaded`` or ``Failed``.

    :ivar first: the first worker to do so: it logs what it loads, and its answer says which files it read.
    """

    generation: int
    root: str
    main: str
    version: str = ""
    pinned: dict[str, bytes | None] = {}
    first: bool = False


class Sockets(msgspec.Struct, tag=True):
    """Listening sockets for the generation that was loaded; they are beside this message, in this order."""

    addresses: list[Address]


class Commit(msgspec.Struct, tag=True):
    """Let the generation that was loaded take over. Answered by ``Committed``."""

    generation: int


class Abandon(msgspec.Struct, tag=True):
    """Forget the generation that was loaded."""

    generation: int


class Signal(msgspec.Struct, tag=True):
    """A signal has come; the tasks of the script that wait for it are to run."""

    name: str


class Stop(msgspec.Struct, tag=True):
    """Finish what is begun, and end. :ivar force: end now."""

    force: bool = False


class Ask(msgspec.Struct, tag=True):
    """Tell your figures and your status. Answered by ``Told``."""

    question: int


# -- from a worker ----------------------------------------------------------------------------------------------------


class Ready(msgspec.Struct, tag=True):
    """The process has started and can load a script."""


class Loaded(msgspec.Struct, tag=True):
    """See ``Load``. :ivar seen: the files that it read. :ivar signals: the names of the signals that its tasks wait for."""

    generation: int
    addresses: list[Address]
    signals: list[str] = []
    seen: dict[str, bytes | None] = {}


class Failed(msgspec.Struct, tag=True):
    """See ``Load``: the lines to log, and the component that they are logged for."""

    generation: int
    component: str
    text: str


class Committed(msgspec.Struct, tag=True):
    """See ``Commit``. :ivar text: what was wrong, if it could not; empty otherwise."""

    generation: int
    text: str = ""


class Beat(msgspec.Struct, tag=True):
    """A sign of life."""


class Restart(msgspec.Struct, tag=True):
    """The script asks for a reload."""


class Exit(msgspec.Struct, tag=True):
    """The script asks for the end of the program. :ivar again: it has done so before, in this worker: it does not want to wait."""

    code: int
    again: bool = False


class Told(msgspec.Struct, tag=True):
    """See ``Ask``. :ivar figures: see ``figures.encode``. :ivar status: of a ``standing.WorkerStatus``, as JSON."""

    question: int
    figures: bytes
    status: bytes


Message: TypeAlias = (
    Welcome
    | Load
    | Sockets
    | Commit
    | Abandon
    | Signal
    | Stop
    | Ask
    | Ready
    | Loaded
    | Failed
    | Committed
    | Beat
    | Restart
    | Exit
    | Told
)


def _unsent(load: Any) -> None:
    """How much a process has to do is no setting, though the limits know it; it stays at home."""
    if not isinstance(load, limits.Load):
        raise NotImplementedError(type(load))


def _anew(kind: type, _sent: Any) -> limits.Load:
    if kind is not limits.Load:
        raise NotImplementedError(kind)
    return limits.Load()


_encode: Final = msgspec.json.Encoder(enc_hook=_unsent).encode
_decoder: Final = msgspec.json.Decoder(Message, dec_hook=_anew)


def encode(message: Message) -> bytes:
    """*message* as it is sent.

    :raises ProtocolError: it is longer than ``MAX_MESSAGE``.
    """
    body = _encode(message)
    if len(body) > MAX_MESSAGE:
        raise ProtocolError(f"a message of {len(body) >> 20} MB is too long for a worker")
    return len(body).to_bytes(_PREFIX, "big") + body


class Frames:
    """Cuts a stream of bytes into messages."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, received: bytes) -> list[Message]:
        """The messages that are complete now.

        :raises ProtocolError: this is not what we send.
        """
        self._bytes += received
        messages: list[Message] = []
        while len(self._bytes) >= _PREFIX:
            length = int.from_bytes(self._bytes[:_PREFIX], "big")
            if length > MAX_MESSAGE:
                raise ProtocolError(f"a message of {length} bytes is announced")
            if len(self._bytes) < _PREFIX + length:
                break
            body = bytes(memoryview(self._bytes)[_PREFIX : _PREFIX + length])
            del self._bytes[: _PREFIX + length]
            try:
                messages.append(_decoder.decode(body))
            except msgspec.MsgspecError as error:
                raise ProtocolError(f"not a message: {error}") from None
        return messages
