"""Reading the corpus; its format is told in README.md."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

CORPUS: Final = Path(__file__).with_name("corpus")


@dataclass(frozen=True)
class Case:
    """What is sent, and what has to come of it.

    :ivar name: the file it stands in, and its own name.
    :ivar send: the bytes of an HTTP/1 client.
    :ivar fields: those of an HTTP/2 request instead; empty: it is HTTP/1.
    :ivar body: the body of that request.
    :ivar respond: the bytes that the upstream answers the first request with, before it closes; None: it answers every request in order.
    :ivar upstream: the bytes that have to reach the upstream.
    :ivar answers: what the client has to get: status codes in order; for HTTP/2 also ``RST`` and ``GOAWAY``.
    :ivar client: the very bytes that have to reach the client instead, where the upstream's response is what is tried.
    :ivar disputed: the other parser refuses what is passed on, though it can be read in one way only.
    """

    name: str
    send: bytes
    fields: tuple[tuple[bytes, bytes], ...]
    body: bytes
    respond: bytes | None
    upstream: bytes
    answers: tuple[str, ...]
    client: bytes | None
    disputed: bool


def load() -> list[Case]:
    """All cases, in the order of their files."""
    return [
        _case(path.stem, table)
        for path in sorted(CORPUS.glob("*.toml"))
        for table in tomllib.loads(path.read_text(encoding="utf-8"))["case"]
    ]


def _case(group: str, table: dict[str, Any]) -> Case:
    return Case(
        name=f"{group}/{table['name']}",
        send=_octets(table.get("send", "")),
        fields=tuple((_octets(name), _octets(value)) for name, value in table.get("fields", [])),
        body=_octets(table.get("body", "")),
        respond=_octets(table["respond"]) if "respond" in table else None,
        upstream=_octets(table["upstream"]),
        answers=tuple(table.get("answers", ())),
        client=_octets(table["client"]) if "client" in table else None,
        disputed=table.get("disputed", False),
    )


def _octets(text: str | list[Any]) -> bytes:
    """A character is the byte of its number; in a list, ``{repeat, times}`` stands for a text many times."""
    if isinstance(text, list):
        return b"".join(_octets(part["repeat"]) * part["times"] if isinstance(part, dict) else _octets(part) for part in text)
    return text.encode("latin-1")
