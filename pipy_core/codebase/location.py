"""The URL of a codebase, taken apart (spec: cli-admin.md, 1.1 and 5.2). Pure."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from pipy_core.errors import ArgumentError

_PORTS: Final = {"http": 80, "https": 443}
#: What may stand in a path as it is (RFC 3986, 3.3); everything else is encoded.
_SAFE: Final = "/!$&'()*+,;=:@~"
_CONTROL: Final = re.compile(r"[\x00-\x20\x7f]")


@dataclass(frozen=True, slots=True)
class Location:
    """Where a codebase is.

    :ivar scheme: ``http`` or ``https``.
    :ivar host: as the URL has it, without brackets.
    :ivar path: of the manifest or the script, encoded, with a slash in front.
    :ivar query: what follows a ``?``; it is sent with the request for the manifest or the script, and never logged.
    :ivar credentials: ``user:password`` in front of the host; never logged.
    """

    scheme: str
    host: str
    port: int
    path: str
    query: str = ""
    credentials: str = ""

    @property
    def address(self) -> str:
        """What to connect to: ``localhost`` means 127.0.0.1."""
        return "127.0.0.1" if self.host == "localhost" else self.host

    @property
    def authority(self) -> str:
        """The ``Host`` field of requests."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def shown(self) -> str:
        """The URL without what is nobody's business."""
        return self.url(self.path)

    def url(self, path: str) -> str:
        """What the log calls the file at *path*."""
        return f"{self.scheme}://{self.authority}{path}"

    @property
    def name(self) -> str:
        """How a single script is called: the last segment of the path."""
        return unquote(self.path.rpartition("/")[2]) or "main.js"

    def below(self, path: str, base: str) -> str:
        """The encoded path of a file of the manifest.

        :param path: as the manifest has it, such as ``/plugins/a.js``.
        :param base: the path that the manifest came from.
        """
        return base.rpartition("/")[0] + quote(path, _SAFE)


def is_url(name: str) -> bool:
    """Whether a script is named by a URL and not by the path of a file."""
    return name.lower().startswith(("http://", "https://"))


def parse_location(url: str) -> Location:
    """Take the URL of a codebase apart.

    :raises ArgumentError: it cannot be one; says why.
    """
    if _CONTROL.search(url):
        raise ArgumentError(f"invalid URL: {url!r}: there is a blank or a control character in it")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ArgumentError(f"invalid URL: {_without_secrets(url)}: {error}") from None
    if parts.scheme not in _PORTS or not host or port == 0:
        raise ArgumentError(f"invalid URL: {_without_secrets(url)}: expected http://host[:port]/path/ or https://host[:port]/path/")
    if parts.path in ("", "/"):
        raise ArgumentError(
            f"cannot open {_without_secrets(url)}: a URL without a path means a console for the repository there, which does not "
            "exist yet; a codebase has a path, such as http://localhost:6060/repo/name/"
        )
    credentials = unquote(parts.netloc.rpartition("@")[0])
    path = quote(parts.path, _SAFE + "%")
    return Location(parts.scheme, host, port or _PORTS[parts.scheme], path, parts.query, credentials)


def _without_secrets(url: str) -> str:
    return re.sub(r"//[^/@]*@", "//", url.partition("?")[0])
