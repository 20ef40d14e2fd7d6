"""Requests to the server of a codebase. What comes back is bounded in size and time, and comes from the host of the URL.

Proxies that the environment names are not used, nor is ``.netrc``: what is run comes from where the URL says.
"""

import re
import ssl
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPSConnectionPool, Retry, Timeout
from urllib3.exceptions import HTTPError, MaxRetryError
from urllib3.util import make_headers

from pipy_core import __version__
from pipy_core.codebase.location import Location
from pipy_core.errors import LoadError
from pipy_core.logs import get_logger

#: Seconds for a connection, and for each piece of an answer ...
CONNECT_LIMIT: Final = 10.0
READ_LIMIT: Final = 30.0
#: ... and for all of it.
FILE_LIMIT_SECONDS: Final = 300.0
#: Redirections that are followed for one file.
MAX_REDIRECTS: Final = 5
#: Objects of urllib3 in front of what went wrong.
_NAMED: Final = re.compile(r"^(?:<.*?>|HTTPS?Connection(?:Pool)?\(.*?\)): ")
_PIECE: Final = 64 * 1024
_MOVED: Final = frozenset({301, 302, 303, 307, 308})

_log = get_logger("codebase")


class FetchError(LoadError):
    """The server of a codebase did not give what was asked for.

    :ivar status: of its answer; 0: there was none.
    """

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__("Error", message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Validators:
    """By what two versions of a file are told apart (RFC 9110, 8.8): ``ETag``, ``Last-Modified`` and ``Content-Length``."""

    etag: str = ""
    last_modified: str = ""
    length: str = ""

    @property
    def tag(self) -> str:
        """The ``etag`` without its marks: a server that compresses makes weak ones of strong ones."""
        return self.etag.removeprefix("W/").strip('"')

    def agrees(self, other: "Validators") -> bool | None:
        """Whether two versions of a file with these are the same; None: that cannot be said."""
        if self.etag and other.etag:
            return self.tag == other.tag
        if self.last_modified and other.last_modified:
            # some servers answer HEAD without the length, or with 0
            lengths_agree = self.length == other.length or not {self.length, other.length}.isdisjoint(("", "0"))
            return self.last_modified == other.last_modified and lengths_agree
        return None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server says.

    :ivar path: where it was found in the end, encoded: redirections have been followed.
    """

    status: int
    path: str
    body: bytes
    validators: Validators
    media_type: str


class Client:
    """Talks to the server of one codebase over one connection. Not to be used by two threads at a time.

    :param context: for ``https``; None: what the system trusts.
    """

    def __init__(self, location: Location, context: ssl.SSLContext | None = None) -> None:
        self._location = location
        self._headers = {"accept": "*/*", "accept-encoding": "identity", "user-agent": f"pipy/{__version__}"}
        self._headers["host"] = location.authority
        if location.credentials:
            self._headers |= make_headers(basic_auth=location.credentials)
        # A connection that the server has closed while it was idle is worth a second attempt.
        settings: dict[str, Any] = {
            "retries": Retry(total=1, connect=0, read=1, redirect=0, status=0, other=0, backoff_factor=0),
            "timeout": Timeout(connect=CONNECT_LIMIT, read=READ_LIMIT),
            "maxsize": 1,
        }
        self._pool: HTTPConnectionPool
        if location.scheme == "https":
            settings |= {"ssl_context": context or ssl.create_default_context(), "assert_hostname": location.host}
            self._pool = HTTPSConnectionPool(location.address, location.port, server_hostname=location.host, **settings)
        else:
            self._pool = HTTPConnectionPool(location.address, location.port, **settings)

    def close(self) -> None:
        """Close the connection."""
        self._pool.close()

    def get(self, path: str, limit: int, query: str = "", *, quiet: bool = False) -> Answer:
        """Fetch a file.

        :param path: encoded.
        :param limit: bytes it may have.
        :param quiet: do not tell that it was fetched.
        :raises FetchError: the answer is not 200, too large, or there is none. It has been logged.
        """
        answer = self._ask("GET", path, limit, query)
        if answer.status != HTTPStatus.OK:
            raise self._refuse("GET", path, answer.status)
        tell = _log.debug if quiet else _log.info
        tell(f"GET {self._location.url(path)} -> {len(answer.body)} bytes")
        return answer

    def head(self, path: str, query: str = "") -> Validators | None:
        """What the server says of a file; None if it does not answer such requests: the file has to be fetched then.

        :raises FetchError: see ``get``.
        """
        answer = self._ask("HEAD", path, 0, query)
        if answer.status in (HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED):
            return None
        if answer.status != HTTPStatus.OK:
            raise self._refuse("HEAD", path, answer.status)
        return answer.validators

    def post(self, path: str, body: bytes, query: str = "") -> int:
        """Send a report; gives the status of the answer, 0 if there is none."""
        try:
            response = self._send("POST", path, query, body=body, headers={"content-type": "application/json"})
            try:
                response.read1(_PIECE)  # the connection can be used again after an answer that was read
                return response.status
            finally:
                response.close()
        except (HTTPError, OSError) as error:
            _log.debug(f"POST {path} -> {_reason(error)}")
            return 0

    def _ask(self, method: str, path: str, limit: int, query: str) -> Answer:
        """One request, and those that its redirections ask for."""
        try:
            for _ in range(MAX_REDIRECTS + 1):
                response = self._send(method, path, query)
                try:
                    if response.status not in _MOVED:
                        return _answer(response, path, limit)
                    path, query = self._redirected(response.headers.get("location", ""), path)
                finally:
                    response.close()
            raise ValueError(f"more than {MAX_REDIRECTS} redirections")
        except (HTTPError, OSError, ValueError) as error:
            reason = _reason(error)
            _log.error(f"{method} {path} -> 0 Empty ({reason})")
            raise FetchError(f"cannot fetch {self._location.url(path)}: {reason}") from None

    def _send(self, method: str, path: str, query: str, **more: Any) -> BaseHTTPResponse:
        headers = self._headers | more.pop("headers", {})
        target = f"{path}?{query}" if query else path
        return self._pool.urlopen(method, target, headers=headers, redirect=False, preload_content=False, **more)

    def _redirected(self, target: str, path: str) -> tuple[str, str]:
        """Where to go on. :raises ValueError: elsewhere."""
        here = self._location
        there = urlsplit(urljoin(here.url(path), target))
        port = there.port or (443 if there.scheme == "https" else 80)
        if (there.scheme, there.hostname, port) != (here.scheme, here.host, here.port):
            raise ValueError(f"it was moved to {there.scheme}://{there.hostname}:{port}, which is another server")
        return there.path or "/", there.query

    def _refuse(self, method: str, path: str, status: int) -> FetchError:
        text = f"{status} {_phrase(status)}"
        _log.error(f"{method} {path} -> {text}")
        return FetchError(f"cannot fetch {self._location.url(path)}: {text}", status)


def _answer(response: BaseHTTPResponse, path: str, limit: int) -> Answer:
    """:raises ValueError: more than *limit* bytes, too slow, or encoded though nobody has asked for it."""
    fields = response.headers
    length = fields.get("content-length", "")
    validators = Validators(fields.get("etag", ""), fields.get("last-modified", ""), length)
    body = b""
    if response.status != HTTPStatus.OK or not limit:
        response.read1(_PIECE)  # the connection can be used again after an answer that was read
    else:
        if fields.get("content-encoding", "identity") not in ("", "identity"):
            raise ValueError(f"its content encoding is {fields['content-encoding']}, which nobody has asked for")
        if length.isdigit() and int(length) > limit:
            raise ValueError(f"it has more than {limit} bytes")
        body = _read(response, limit)
    media_type = fields.get("content-type", "").partition(";")[0].strip().lower()
    return Answer(response.status, path, body, validators, media_type)


def _read(response: BaseHTTPResponse, limit: int) -> bytes:
    deadline = time.monotonic() + FILE_LIMIT_SECONDS
    body = bytearray()
    while piece := response.read1(_PIECE):
        body += piece
        if len(body) > limit:
            raise ValueError(f"it has more than {limit} bytes")
        if time.monotonic() > deadline:
            raise ValueError(f"it takes more than {FILE_LIMIT_SECONDS:g} s")
    return bytes(body)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def _reason(error: BaseException) -> str:
    """What went wrong, without the names of objects that urllib3 puts in front of it."""
    if isinstance(error, MaxRetryError) and error.reason is not None:
        return _reason(error.reason)
    return " ".join(_NAMED.sub("", str(error)).split()) or type(error).__name__
