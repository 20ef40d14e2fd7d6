"""Pages of the admin port: what answers which path, and what a page may know of the program. Knows no sockets."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias

from pipy_core.errors import PluginError
from pipy_core.events import Data, Head, Message

#: Gets the whole request, gives the response. It runs in a turn, like a filter: it must not block.
Page: TypeAlias = Callable[[Message], Message]

#: What the original says it is.
_SERVER: Final = "pipy-repo"


@dataclass(frozen=True)
class Family:
    """Numbers under one name.

    :ivar kind: ``counter``, ``gauge`` or ``histogram``.
    :ivar samples: what follows the name, labels and their values, and the number as text.
    """

    name: str
    kind: str
    help: str
    samples: Sequence[tuple[str, Sequence[tuple[str, str]], str]]


class Instance(Protocol):
    """What the worker lends to pages."""

    def figures(self) -> list[Family]:
        """What it has counted: connections, pipelines, bytes."""

    def ask(self, name: str, *args: Any) -> Any:
        """Call what a script source has offered with ``runtime.provide(name, function)``; values cross as JSON.

        :raises ScriptError: it threw, or took too long.
        """


def reply(status: int = 200, body: bytes = b"", content_type: str = "") -> Message:
    """A response."""
    headers = {"server": _SERVER}
    if content_type:
        headers["content-type"] = content_type
    return Message(Head({"status": status, "headers": headers}), Data(body))


class Pages:
    """All pages of one worker.

    :ivar instance: the worker.
    """

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self._pages: dict[str, dict[str, Page]] = {}

    def add(self, path: str, page: Page, methods: Sequence[str] = ("GET", "HEAD")) -> None:
        """Let *page* answer requests for *path*.

        :param path: begins with a slash. One that ends with a slash stands for everything below it that has no page of its own.
        :raises PluginError: the path has a page already.
        """
        taken = self._pages.setdefault(path, {})
        for method in methods:
            if method in taken:
                raise PluginError(f"the admin page {method} {path} is there already")
            taken[method] = page

    def answer(self, request: Message) -> Message:
        """The response to *request*: 404 where there is no page, 405 where there is none for the method."""
        fields = request.head.fields if request.head is not None else {}
        pages = self._find(str(fields.get("path", "/")).partition("?")[0])
        if pages is None:
            return reply(404)
        page = pages.get(str(fields.get("method", "GET")))
        return reply(405) if page is None else page(request)

    def _find(self, path: str) -> dict[str, Page] | None:
        pages = self._pages.get(path)
        while pages is None and path:
            path = path.rstrip("/").rpartition("/")[0]
            pages = self._pages.get(f"{path}/")
        return pages
