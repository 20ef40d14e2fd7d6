"""The four things that flow through pipelines, and Message, which is a bundle of them.

They are structs, which cost a third of what other objects cost to make: a request makes a dozen. Events are passed on by
reference. A filter never changes the payload of a Data it did not make; what a script changes in a head is seen by everyone who
holds that head (spec: model.md, 1.2).
"""

import copy
from enum import Enum
from typing import Any, ClassVar, Final, TypeAlias

import msgspec.json
from msgspec import Struct


class Failure(Enum):
    """Why a stream ended (spec: model.md, 1.1). The value is what scripts see as ``StreamEnd.error``."""

    NONE = ""
    UNKNOWN_ERROR = "UnknownError"
    RUNTIME_ERROR = "RuntimeError"
    READ_ERROR = "ReadError"
    WRITE_ERROR = "WriteError"
    CANNOT_RESOLVE = "CannotResolve"
    CONNECTION_CANCELED = "ConnectionCanceled"
    CONNECTION_RESET = "ConnectionReset"
    CONNECTION_REFUSED = "ConnectionRefused"
    CONNECTION_TIMEOUT = "ConnectionTimeout"
    READ_TIMEOUT = "ReadTimeout"
    WRITE_TIMEOUT = "WriteTimeout"
    UNAUTHORIZED = "Unauthorized"
    BUFFER_OVERFLOW = "BufferOverflow"
    PROTOCOL_ERROR = "ProtocolError"

    @property
    def code(self) -> int:
        """The number ``dump`` prints."""
        return _ORDER[self]

    @property
    def text(self) -> str:
        """The words ``dump`` prints: ``connection refused``."""
        return _WORDS[self]


#: JSON as heads cross to scripts.
encode_json: Final = msgspec.json.Encoder().encode


def _words(name: str) -> str:
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip() or "no error"


_ORDER: Final = {failure: number for number, failure in enumerate(Failure)}
_WORDS: Final = {failure: _words(failure.value) for failure in Failure}


class ScriptObject:
    """Python's hold on an object that lives in the isolate; when the last reference goes, the isolate lets go of it too."""

    __slots__ = ("number", "released")

    def __init__(self, number: int, released: list[int]) -> None:
        self.number = number
        self.released = released

    def __del__(self) -> None:
        self.released.append(self.number)


#: What is outdated of most heads.
_NOTHING: Final[dict[str, Any]] = {}


class Head:
    """What opens a message: a mapping of names to JSON-like values, such as ``method`` and ``headers`` of an HTTP request.

    Codecs subclass it to keep received bytes and decode them only when somebody looks (override ``_decode``).
    ``outdated`` are members of ``headers`` that are true of the message as it came and not as it is now: scripts are shown them,
    and they are sent only if a script has given them another value.
    ``script`` is set once a script has seen the head: from then on the object in the isolate is the original, and ``fields`` is
    replaced with what a script makes of it.
    """

    __slots__ = ("__weakref__", "_fields", "outdated", "script")

    #: Whether there may be Data among the fields. Codecs that make text of everything say no, which spares a look at every head.
    may_hold_data: ClassVar[bool] = True

    def __init__(self, fields: dict[str, Any] | None = None) -> None:
        self._fields = fields
        self.script: ScriptObject | None = None
        self.outdated: dict[str, Any] = _NOTHING

    @property
    def fields(self) -> dict[str, Any]:
        """The decoded head. Treat it as read-only: it may be shared; ``replace`` it to change it."""
        if self._fields is None:
            self._fields = self._decode()
        return self._fields

    def replace(self, fields: dict[str, Any]) -> None:
        """Take *fields* as the new content; anything derived from the old one is forgotten."""
        self._fields = fields

    def json(self) -> bytes:
        """The fields as JSON, which is how scripts get them. Override it where that is known without decoding."""
        return encode_json(self.fields)

    def get(self, name: str, default: Any = None) -> Any:
        """One field, or *default*."""
        return self.fields.get(name, default)

    def derived(self, fields: dict[str, Any], outdated: dict[str, Any] | None = None) -> "Head":
        """A head for the same message with other fields; whoever holds this one sees no change.

        :param outdated: see the class.
        """
        twin = copy.copy(self)  # its class and what else it knows matter to codecs
        twin.script = None
        twin.outdated = outdated or {}
        twin.replace(fields)
        return twin

    def copy(self) -> "Head":
        """The same head for another try at the same thing: what scripts change in one of the two is not seen in the other."""
        twin = copy.copy(self)
        twin.script = None
        return twin

    def too_large(self) -> bool:
        """The body cannot be had, and its stream ends. Gives whether it is a client's request; then the client is told."""
        return False

    def outgoing(self) -> dict[str, Any]:
        """The fields as codecs send them."""
        headers = self.fields.get("headers") if self.outdated else None
        if not isinstance(headers, dict):
            return self.fields
        kept = {name: value for name, value in headers.items() if name not in self.outdated or self.outdated[name] != value}
        return {**self.fields, "headers": kept}

    def _decode(self) -> dict[str, Any]:
        return {}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.fields!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Head) and self.fields == other.fields

    __hash__ = object.__hash__


class Data(Struct, eq=False, gc=False, tag_field="\0", tag="Data"):
    """A run of bytes. Empty means *flush*: it carries nothing and asks that what came before is not held back.

    Heads may have such members too (the payload of a will, a password). The tag tells them apart from objects where heads cross
    as JSON; there is no such name in any protocol.
    """

    payload: bytes = b""
    script: int = 0  # its number in the table of payloads that scripts can ask for; 0: no script has seen it

    def __repr__(self) -> str:
        return f"Data({self.payload!r})"

    def __str__(self) -> str:
        """Its text, as a script would show it."""
        return self.payload.decode("utf-8", "replace")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Data) and self.payload == other.payload

    __hash__ = object.__hash__


class MessageStart(Struct, gc=False):
    """Opens a message. The head may be absent (``None``)."""

    head: Head | None = None

    __hash__ = object.__hash__


class MessageEnd:
    """Closes a message.

    :ivar tail: the fields behind the body (trailers, RFC 9110, 6.5) as ``headers`` of a head, where there are any.
    """

    __slots__ = ("tail",)

    def __init__(self, tail: Head | None = None) -> None:
        self.tail = tail

    def __repr__(self) -> str:
        return f"MessageEnd({self.tail!r})" if self.tail is not None else "MessageEnd()"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MessageEnd) and self.tail == other.tail

    __hash__ = object.__hash__


class StreamEnd:
    """Ends a stream; nothing follows it."""

    __slots__ = ("error",)
    __match_args__ = ("error",)

    def __init__(self, error: Failure = Failure.NONE) -> None:
        self.error = error

    def __repr__(self) -> str:
        return f"StreamEnd({self.error})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StreamEnd) and self.error is other.error

    __hash__ = object.__hash__


Event: TypeAlias = Data | MessageStart | MessageEnd | StreamEnd


class Message(Struct, gc=False):
    """A whole message: what scripts hand over, and what filters that collect bodies hand to scripts. Not an event itself."""

    head: Head | None = None
    body: Data | None = None
    consumed: bool = False  # a script gets the head for this call only: nothing of what it does to it matters afterwards

    def __repr__(self) -> str:
        return f"Message({self.head!r}, {self.body!r})"

    def events(self) -> list[Event]:
        """The events it stands for."""
        if self.body is None:
            return [MessageStart(self.head), END]
        return [MessageStart(self.head), self.body, END]

    __hash__ = object.__hash__


#: Events without content are the same wherever they occur.
END: Final = MessageEnd()
FLUSH: Final = Data()
EOS: Final = StreamEnd()
