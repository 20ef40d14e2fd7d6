"""What crosses between Python and the script: events and values as JSON. Pure but for the tables of what the other side holds.

Towards the script what is no simple value is an array, and its first element says what (``DATA``, ...). From the script it is
an object with one member: ``{"s": head}`` MessageStart, ``{"m": [head, data]}`` Message, ``{"e": 0}``, ``{"z": error}``, Data as
pieces (``{"p": [...]}``), lists (``{"l": [...]}``), natives (``{"n": number}``), identities (``{"i": [number, class]}``),
functions (``{"F": number}``), arrays and objects by value (``{"L": ...}``, ``{"O": ...}``). A head is ``null``, a number that the
other side knows, or ``[number, fields]``; a third element says that there is Data among the fields, each an object with its bytes
in Base64 (see ``events.Data``).
"""

import base64
import binascii
import weakref
from collections.abc import Callable
from typing import Any, Final

import msgspec.json

from pipy_core.context import UNDEFINED, Function, Identity, ScriptDict, ScriptList
from pipy_core.events import END, Data, Failure, Head, Message, MessageEnd, MessageStart, ScriptObject, StreamEnd
from pipy_core.kit.native import Native

#: What an array is that goes to the script; ``runtime/entry.js`` has the same numbers.
DATA, START, MESSAGE, MESSAGE_END, STREAM_END, NOTHING, JSON, NATIVE = range(1, 9)
_encode: Final = msgspec.json.Encoder().encode
_EMPTY: Final = (DATA, 0, 0)
#: What the JSON of a Data in a head begins with. Text has its quotes escaped: nobody else can write this.
_DATA_MARK: Final = b'"\\u0000":"Data"'
#: Bytes of payload that scripts have been shown and may still hold, before they are asked which of them they really do.
PINNED_LIMIT: Final = 8 * 1024 * 1024
#: What a payload counts besides its bytes: table entries on both sides and the objects themselves.
PIN_COST: Final = 256


class Codec:
    """The two tables, and the translation of values both ways."""

    def __init__(self) -> None:
        self.released: list[int] = []  # numbers of heads that Python has let go of since the last call
        self.pinned = 0  # bytes in payloads, with what it costs to keep them
        self.lent: list[Any] = []  # given to host functions in this call: the script may come back to the heads in there
        self._heads: dict[int, weakref.ref[Head]] = {}
        self._payloads: dict[int, Any] = {}  # bytes and Natives
        self._readers: dict[str, Callable[[Any], Any]] = {
            "s": lambda head: MessageStart(self._head_from(head)),
            "u": lambda _: UNDEFINED,
            "l": self._list,
            "i": lambda identity: Identity(identity[0], identity[1]),
            "e": lambda _: END,
            "z": lambda error: StreamEnd(Failure(error)),
            "n": self._payloads.__getitem__,
            "F": Function,
            "f": float,
            "v": lambda value: value,
            "L": self._array,
            "O": self._object,
        }
        self._head_number = 0
        self._data_number = 0

    # -- to the script ----------------------------------------------------------------------------------------------

    def argument(self, value: Any) -> Any:
        """*value*, which has no head, as JSON-like data for the script."""
        kind = type(value)
        if kind is Data:
            return self.data(value)
        if kind is MessageEnd:
            return (MESSAGE_END,)
        if kind is StreamEnd:
            return (STREAM_END, value.error.value)
        if value is UNDEFINED:
            return (NOTHING,)
        if isinstance(value, Native):
            return (NATIVE, self.pin(value))
        if isinstance(value, dict | list | tuple):
            return (JSON, value)
        return value

    def json(self, value: Any, heads: list[bytes]) -> bytes:
        """*value* as JSON for the script. Heads that it does not know yet go to *heads*, and by their place there into the JSON."""
        kind = type(value)
        if kind is MessageStart:
            return b"[2,%b]" % self._head(value.head, heads)
        if kind is Message:
            body = b"null" if value.body is None else b"[%d,%d,%d]" % self.data(value.body)
            return b"[3,%b,%b]" % (self._head(value.head, heads, consumed=value.consumed), body)
        return _encode(self.argument(value))

    def data(self, data: Data) -> tuple[int, int, int]:
        """A Data by number and size; the payload stays here until the script says that it holds it no longer."""
        payload = data.payload
        if not payload:
            return _EMPTY
        if self._payloads.get(data.script) is not payload:
            data.script = self.pin(payload)
        return (DATA, data.script, len(payload))

    def pin(self, payload: bytes | Native) -> int:
        """A number by which the script holds *payload*."""
        self._data_number += 1
        self._payloads[self._data_number] = payload
        self.pinned += len(payload) + PIN_COST
        return self._data_number

    def unpin(self, numbers: list[int]) -> None:
        """The script holds these no longer."""
        for number in numbers:
            payload = self._payloads.pop(number, None)
            if payload is not None:
                self.pinned -= len(payload) + PIN_COST

    def _head(self, head: Head | None, heads: list[bytes], *, consumed: bool = False) -> bytes:
        if head is None:
            return b"null"
        if head.script is not None:
            return b"%d" % head.script.number
        json = head.json()
        heads.append(json)
        number = 0
        if not consumed:
            number = self._head_number = self._head_number + 1
            self._remember(head, number)
        if head.may_hold_data and _DATA_MARK in json:
            return b"[%d,%d,1]" % (number, len(heads))
        return b"[%d,%d]" % (number, len(heads))

    def _remember(self, head: Head, number: int) -> None:
        head.script = ScriptObject(number, self.released)
        self._heads[number] = weakref.ref(head)

    def take_released(self) -> list[int]:
        """The numbers of heads that the script may forget."""
        count = len(self.released)  # more may be added at any moment: a head may be collected
        released = self.released[:count]
        del self.released[:count]  # the same list: heads hold on to it
        for number in released:
            self._heads.pop(number, None)
        return released

    # -- from the script --------------------------------------------------------------------------------------------

    def value(self, sent: Any) -> Any:
        """The Python value for what the script sent."""
        if type(sent) is not dict:
            return sent
        ((kind, content),) = sent.items()
        if kind == "m":
            head, body = content
            return Message(self._head_from(head), None if body is None else self._body(body))
        if kind == "p":
            return Data(self.payload(content))
        return self._readers[kind](content)

    def _list(self, content: list[Any]) -> list[Any]:
        return [self.value(element) for element in content]

    def _array(self, content: list[Any]) -> ScriptList:
        array = ScriptList(self._list(content[1]))
        array.number = content[0]
        return array

    def _object(self, content: list[Any]) -> ScriptDict:
        members = ScriptDict({name: self.value(member) for name, member in content[1].items()})
        members.number = content[0]
        return members

    def _body(self, sent: Any) -> Data:
        """A Data in pieces, or as Python sent it if the script has not looked at it."""
        if type(sent) is dict:
            return Data(self.payload(sent["p"]))
        number = sent[1]
        data = Data(self._payloads[number] if number else b"")
        data.script = number
        return data

    def payload(self, pieces: list[Any]) -> bytes:
        """The bytes of a rope."""
        if len(pieces) == 1:
            return self._piece(pieces[0])
        return b"".join(map(self._piece, pieces))

    def _piece(self, piece: Any) -> bytes:
        if type(piece) is str:
            return piece.encode("utf-8", "replace")
        if type(piece) is list:
            number, start, stop = piece
            content: bytes = self._payloads[number][start:stop]
            return content
        latin1: str = piece["x"]
        return latin1.encode("latin-1")

    def _head_from(self, sent: Any) -> Head | None:
        if sent is None:
            return None
        if type(sent) is list:
            head = Head(sent[1] if len(sent) == 2 else _with_data(sent[1]))
            self._remember(head, sent[0])
            return head
        known = self._heads[sent]()
        assert known is not None, "the script was told that this head is gone"
        return known

    def apply(self, changes: list[Any]) -> None:
        """Give heads the fields that scripts changed them to: ``[[number, fields], ...]``."""
        for number, fields, *has_data in changes:
            reference = self._heads.get(number)
            head = reference() if reference is not None else None
            if head is not None:
                head.replace(_with_data(fields) if has_data else fields)

    def counts(self) -> dict[str, int]:
        """How much the tables hold; for tests that look for leaks."""
        return {"heads": len(self._heads), "payloads": len(self._payloads), "pinned": self.pinned}


def _with_data(value: Any) -> Any:
    """*value* with each Data in it made again. What only looks like one, made by whoever sent the script JSON, stays what it is."""
    if type(value) is list:
        return [_with_data(element) for element in value]
    if type(value) is not dict:
        return value
    if value.get("\0") == "Data" and type(value.get("payload")) is str:
        try:
            return Data(base64.b64decode(value["payload"], validate=True))
        except (binascii.Error, ValueError):
            return value
    return {name: _with_data(member) for name, member in value.items()}
