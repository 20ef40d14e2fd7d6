"""Asking the admin port: plain, blocking HTTP."""

import http.client
import ipaddress
import json
import ssl
from typing import Any, Final

from pipy_core.codebase.tls import client_context
from pipy_core.errors import PipyError
from pipy_core.settings import Settings

#: Where the admin port is unless somebody says so (spec: cli-admin.md, 1.1).
DEFAULT: Final = ("127.0.0.1", 6060)
#: Seconds for an answer: a supervisor waits for its workers for two.
PATIENCE: Final = 10.0
#: Bytes of an answer.
MAX_ANSWER: Final = 64 * 1024 * 1024


class Unreachable(PipyError):
    """The admin port gives no answer that we could use. The text says why, in a line."""


class Source:
    """The admin port of a program.

    :param settings: where it is, the token, and for TLS what to show (``tls_cert``) and whom to trust (``tls_trusted``).
    :raises ArgumentError: a file for TLS cannot be used, or its key is missing.
    """

    def __init__(self, settings: Settings) -> None:
        host, self._port = settings.admin_address or DEFAULT
        address = ipaddress.ip_address(host)
        if address.is_unspecified:  # what one can listen on, but not connect to
            address = ipaddress.ip_address("::1" if address.version == 6 else "127.0.0.1")
        self._host = str(address)
        self._headers = {"authorization": f"Bearer {settings.admin_token}"} if settings.admin_token else {}
        self._tls = _tls(settings) if settings.tls_cert or settings.tls_key or settings.tls_trusted else None
        self._connection: http.client.HTTPConnection | None = None

    def text(self, path: str) -> str:
        """What is at *path*.

        :raises Unreachable: there is no answer, or another one than 200.
        """
        try:
            status, body = self._ask(path)
        except (OSError, http.client.HTTPException, ssl.CertificateError) as error:
            self.close()
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise Unreachable(f"cannot reach the admin port {self._name()}: {reason}") from error
        if status == 401:
            raise Unreachable(f"the admin port {self._name()} wants a token: --admin-token=<token>, or PIPY_ADMIN_TOKEN")
        if status != 200:
            raise Unreachable(f"the admin port {self._name()} answers {path} with {status}")
        return body

    def json(self, path: str) -> dict[str, Any]:
        """The object at *path*.

        :raises Unreachable: as above, or it is none.
        """
        try:
            value = json.loads(self.text(path))
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise Unreachable(f"what listens at {self._name()} is no admin port")
        return value

    def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _ask(self, path: str) -> tuple[int, str]:
        fresh = self._connection is None
        connection = self._connection = self._connection or self._connect()
        try:
            connection.request("GET", path, headers=self._headers)
            response = connection.getresponse()
            body = response.read(MAX_ANSWER)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            self.close()
            if fresh:
                raise
            return self._ask(path)  # it was kept for too long
        return response.status, body.decode("utf-8", "replace")

    def _connect(self) -> http.client.HTTPConnection:
        if self._tls is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=PATIENCE)
        return http.client.HTTPSConnection(self._host, self._port, timeout=PATIENCE, context=self._tls)

    def _name(self) -> str:
        return f"[{self._host}]:{self._port}" if ":" in self._host else f"{self._host}:{self._port}"


def _tls(settings: Settings) -> ssl.SSLContext:
    context = client_context(settings.tls_cert, settings.tls_key, settings.tls_trusted)
    if settings.tls_trusted:
        context.check_hostname = False  # who is trusted is named one by one: an address need not be in the certificate
    return context
