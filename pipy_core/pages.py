"""Pages of the admin port: what answers which path, and what a page may know of the program. Knows no sockets."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Protocol, TypeAlias

from pipy_core.errors import PluginError
from pipy_core.events import Data, Head, Message
from pipy_core.figures import Family

#: Gets the whole request, gives the response. It runs in a greenlet of its own: other things go on while it waits for something.
Page: TypeAlias = Callable[[Message], Message]
#: Calls what a script source has offered with ``runtime.provide(name, function)``; values cross as JSON.
#: Raises ``ScriptError``: it threw, or took too long.
Ask: TypeAlias = Callable[..., Any]
#: Gives the figures of a plugin. It is called in a worker, in the middle of whatever that does: it must not wait for anything.
Source: TypeAlias = Callable[[Ask], Iterable[Family]]

#: What the original says it is.
_SERVER: Final = "pipy-repo"


class Instance(Protocol):
    """The program as pages see it: one worker, or all of them together."""

    def figures(self) -> list[Family]:
        """What has been counted, over all workers, and how things are, in numbers. May wait for them."""

    def status(self) -> dict[str, Any]:
        """How things are, as it can be written in JSON; times are seconds since 1970. See ``admin.standing`` for what is in it."""


def reply(status: int = 200, body: bytes = b"", content_type: str = "", **fields: str) -> Message:
    """A response.

    :param fields: further header fields, with underscores for dashes.
    """
    headers = {"server": _SERVER}
    if content_type:
        headers["content-type"] = content_type
    headers |= {name.replace("_", "-"): value for name, value in fields.items()}
    return Message(Head({"status": status, "headers": headers}), Data(body))


class Pages:
    """All pages of one process, and where plugins have figures.

    :ivar instance: the program. :ivar sources: what gives the figures of plugins.
    """

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.sources: list[Source] = []
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

    def add_figures(self, source: Source) -> None:
        """Let *source* be asked for figures whenever somebody looks; it is asked in every worker, and what they give is merged."""
        self.sources.append(source)

    def answer(self, request: Message) -> Message:
        """The response to *request*: 404 where there is no page, 405 where there is none for the method."""
        fields = request.head.fields if request.head is not None else {}
        pages = self._find(str(fields.get("path", "/")).partition("?")[0])
        if pages is None:
            return reply(404)
        page = pages.get(str(fields.get("method", "GET")))
        return reply(405, allow=", ".join(sorted(pages))) if page is None else page(request)

    def _find(self, path: str) -> dict[str, Page] | None:
        pages = self._pages.get(path)
        while pages is None and path:
            path = path.rstrip("/").rpartition("/")[0]
            pages = self._pages.get(f"{path}/")
        return pages
