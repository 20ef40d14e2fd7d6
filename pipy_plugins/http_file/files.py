"""Reading files of the codebase, with their compressed siblings.

A path is one of the codebase, with or without a slash in front. It names nothing above itself: ``..`` is refused, since paths come
from clients as a rule. Symbolic links are followed: who may make them may write the script too.
"""

import gzip
import zlib
from collections.abc import Mapping
from dataclasses import replace
from io import BytesIO
from typing import Any, Final, NamedTuple, Protocol

from pipy_core.api import Native, accepted_codings, choose_coding
from pipy_plugins.http_file.conditions import Answer, Representation, respond
from pipy_plugins.http_file.types import type_of

#: A larger file is refused: the whole of it is held in memory.
MAX_FILE: Final = 64 * 1024 * 1024
#: Siblings by coding, the best first.
_SIBLINGS: Final = {"br": ".br", "gzip": ".gz"}
#: Where the name of a directory leads.
_INDEX: Final = "index.html"


class Source(Protocol):
    """Where files are read: the codebase."""

    def entry(self, path: str, limit: int) -> tuple[bytes, int] | None:
        """The content of a regular file and when it was changed, in nanoseconds since 1970, or None if there is none.

        :raises ValueError: it is larger than *limit* bytes.
        :raises OSError: it is there and cannot be read.
        """


class Content(NamedTuple):
    """One file as it was when it was read."""

    payload: bytes
    modified: int  # nanoseconds since 1970

    def representation(self, coding: str) -> Representation:
        """What conditions are about. The tag changes with every change of the file that its clock can tell."""
        suffix = f"-{coding}" if coding else ""
        return Representation(len(self.payload), f'"{self.modified:x}-{len(self.payload):x}{suffix}"', self.modified // 10**9)


class File(Native):
    """A file and its siblings.

    :ivar contents: by coding; the empty one is the file itself.
    """

    __slots__ = ("contents", "type")

    def __init__(self, path: str, contents: dict[str, Content]) -> None:
        self.type = type_of(path)
        self.contents = contents
        if "" not in contents and "gzip" in contents:
            contents[""] = _unzipped(path, contents["gzip"])

    def __len__(self) -> int:
        return sum(len(content.payload) for content in self.contents.values())

    @property
    def codings(self) -> list[str]:
        """The codings there are, the best first."""
        return [name for name in _SIBLINGS if name in self.contents]


def open_file(source: Source, path: str) -> File | None:
    """The file at *path*, or None if there is none. Of a directory it is the ``index.html``.

    :raises ValueError: it is too large.
    :raises OSError: it is there and cannot be read.
    """
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in parts or "\0" in path:
        return None
    for name in ("/".join(parts), "/".join([*parts, _INDEX])):
        contents = {coding: read(source, name + suffix) for coding, suffix in {"": "", **_SIBLINGS}.items()} if name else {}
        found = {coding: content for coding, content in contents.items() if content is not None}
        if found:
            return File(name, found)
    return None


def read(source: Source, name: str) -> Content | None:
    """The regular file called *name*; None if there is none. Raises as ``Source.entry``."""
    entry = source.entry(f"/{name}", MAX_FILE)
    return Content(*entry) if entry is not None else None


def _unzipped(name: str, content: Content) -> Content:
    try:
        with gzip.GzipFile(fileobj=BytesIO(content.payload)) as file:
            payload = file.read(MAX_FILE + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"cannot decompress {name}.gz: {error}") from None
    if len(payload) > MAX_FILE:
        raise ValueError(f"{name}.gz is larger than {MAX_FILE >> 20} MiB when decompressed")
    return content._replace(payload=payload)


def describe(file: object) -> dict[str, Any]:
    """What scripts need to know of a file.

    :raises TypeError: *file* is another native.
    """
    if not isinstance(file, File):
        raise TypeError("argument #1 expects a string")
    return {"type": file.type, "codings": file.codings, "plain": "" in file.contents}


def choose(file: File, accepted: str) -> str:
    """The coding to send to a client that accepts *accepted*."""
    return choose_coding(accepted, file.codings)


def content(file: File, coding: str) -> bytes:
    """The bytes in one of the codings there are."""
    return file.contents[coding].payload


def answer(file: File, method: str, request: Mapping[str, str]) -> dict[str, Any]:
    """The answer to a request, as ``respond`` gives it, with the coding that the range is of.

    :param request: fields by lower-case name.
    """
    accepted = request.get("accept-encoding", "")
    coding = choose_coding(accepted, file.codings)
    if coding not in file.contents or (not coding and accepted_codings(accepted).get("identity") == 0):
        result = Answer(406)
    else:
        result = respond(method, request, file.contents[coding].representation(coding))
    headers = dict(result.headers)
    if result.status in (200, 206):
        headers["content-type"] = file.type
        if coding:
            headers["content-encoding"] = coding
    if method == "HEAD" and result.status == 200:
        headers["content-length"] = str(result.stop)
        result = replace(result, stop=0)
    if file.codings and result.status != 405:
        headers["vary"] = "accept-encoding"
    return {"status": result.status, "headers": headers, "coding": coding, "start": result.start, "stop": result.stop}
