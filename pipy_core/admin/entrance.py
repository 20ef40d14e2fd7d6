"""Who may use the admin port: what has to be set before it is open to others, and which requests it refuses. Knows no sockets."""

import hmac
import ipaddress
import re
from pathlib import Path
from typing import Any, Final

from pipy_core.context import ScriptDict, ScriptList
from pipy_core.errors import ArgumentError, StartError
from pipy_core.events import Message
from pipy_core.kit.keys import CertificateChain, PrivateKey
from pipy_core.pages import reply
from pipy_core.settings import Settings

#: A host with a port or without, as ``Host`` and, behind its scheme, ``Origin`` have it.
_AUTHORITY: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]/@]*)(?::[0-9]*)?")

#: Paths that want no token: kubelets and load balancers ask them, and cannot keep a secret. They tell nothing but how it stands.
PROBES: Final = frozenset({"/healthz", "/readyz"})


def check(settings: Settings) -> None:
    """See that the settings of the admin port go together, before anything is started.

    :raises ArgumentError: they do not, in the original's words where it has any (spec: cli-admin.md, 1).
    """
    if bool(settings.admin_tls_cert) != bool(settings.admin_tls_key):
        raise ArgumentError("--admin-tls-cert and --admin-tls-key must be used in conjuction")
    if settings.admin_tls_trusted and not settings.admin_tls_cert:
        raise ArgumentError("--admin-tls-cert and --admin-tls-key are required for --admin-tls-trusted")
    for name in (settings.admin_tls_cert, settings.admin_tls_key, settings.admin_tls_trusted):
        if name and not Path(name).exists():
            raise ArgumentError(f"file or directory does not exist: {Path(name).absolute()}")
    if not (settings.admin_token.isascii() and settings.admin_token.isprintable()):
        raise ArgumentError("invalid --admin-token: it cannot be sent in a header field")
    if settings.admin_address is None or is_local(settings) or settings.admin_token or settings.admin_tls_trusted:
        return
    host, port = settings.admin_address
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    raise ArgumentError(
        f"the admin port would be open to everybody at {where}: set --admin-token or --admin-tls-trusted, or leave the address out"
    )


def is_local(settings: Settings) -> bool:
    """Whether only this machine can reach the admin port."""
    return settings.admin_address is None or ipaddress.ip_address(settings.admin_address[0]).is_loopback


def tls_options(settings: Settings) -> ScriptDict | None:
    """The options of ``acceptTLS`` for the admin port; None where it does not speak TLS.

    :raises StartError: a file cannot be read, or is not what it has to be.
    """
    if not settings.admin_tls_cert:
        return None
    chain = _parsed(CertificateChain, settings.admin_tls_cert)
    options = ScriptDict(certificate=ScriptDict(cert=chain, key=_parsed(PrivateKey, settings.admin_tls_key)))
    if settings.admin_tls_trusted:
        path = Path(settings.admin_tls_trusted)
        files = sorted(each for each in path.iterdir() if not each.name.startswith(".")) if path.is_dir() else [path]
        options["trusted"] = ScriptList(_parsed(CertificateChain, str(file)) for file in files)
        if not files:
            raise StartError(f"there are no certificates in {path}")
    return options


def _parsed(kind: Any, name: str) -> Any:
    try:
        return kind.parse(Path(name).read_bytes())
    except OSError as error:
        raise StartError(f"cannot read {name}: {error.strerror}") from error
    except ValueError as error:
        raise StartError(f"{name}: {error}") from error


class Entrance:
    """Looks at each request."""

    def __init__(self, settings: Settings) -> None:
        self._token = settings.admin_token.encode("ascii")
        self._local = is_local(settings) and not settings.admin_token

    def refusal(self, request: Message) -> Message | None:
        """The response to a *request* that must not be answered; None if it may.

        Where a token is wanted it has to be there (RFC 6750), but for ``PROBES``. Where none is, only this machine can connect; but
        its browsers can be talked into doing so by any page whose host name suddenly means 127.0.0.1. Such requests name that host.
        """
        head: dict[str, Any] = request.head.fields if request.head is not None else {}
        fields = head.get("headers")
        headers: dict[str, Any] = fields if isinstance(fields, dict) else {}
        if self._token:
            if head.get("path") in PROBES and head.get("method") in ("GET", "HEAD"):
                return None
            scheme, _, token = _text(headers.get("authorization")).partition(" ")
            given = token.strip().encode("utf-8", "surrogatepass")
            if scheme.lower() != "bearer" or not hmac.compare_digest(given, self._token):
                return reply(401, b"a token is required\n", "text/plain", www_authenticate='Bearer realm="pipy"')
        elif self._local and not (_is_this_machine(headers.get("host")) and _is_this_machine(headers.get("origin"))):
            return reply(403, b"only for pages of this machine\n", "text/plain")
        return None


def _text(field: Any) -> str:
    return field if isinstance(field, str) else ""


def _is_this_machine(field: Any) -> bool:
    """Whether *field*, an authority or an origin, may name this machine; what is absent names no other.

    A name without a dot does: nobody can have one in the DNS of the world, and this machine may be called so at home.
    """
    if field is None:
        return True
    found = _AUTHORITY.fullmatch(re.sub(r"^https?://", "", _text(field)))
    host = found[1].strip("[]") if found is not None else "null"
    if not set(host) & set(".:"):
        return host not in ("", "null")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
