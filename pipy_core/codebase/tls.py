"""TLS for talking to the server of a codebase: ``--tls-cert``, ``--tls-key``, ``--tls-trusted`` (spec: cli-admin.md, 1)."""

import ssl
from pathlib import Path

from pipy_core.errors import ArgumentError


def client_context(cert: str, key: str, trusted: str) -> ssl.SSLContext:
    """What the options ask for.

    :param cert: file with the certificate to show, in PEM; empty: none.
    :param key: file with its key.
    :param trusted: file or directory with the certificates accepted from the server, or those of who has issued them; empty:
        what the system trusts. Hidden files in a directory are skipped.
    :raises ArgumentError: one of them cannot be used; says why.
    """
    if bool(cert) != bool(key):
        raise ArgumentError("--tls-cert and --tls-key must be used in conjuction")
    for name in (cert, key, trusted):
        if name and not Path(name).exists():
            raise ArgumentError(f"file or directory does not exist: {Path(name).absolute()}")
    context = _trusting(Path(trusted)) if trusted else ssl.create_default_context()
    if cert:
        try:
            context.load_cert_chain(cert, key, password="")  # nobody is there to ask for another
        except OSError as error:
            raise ArgumentError(f"cannot use --tls-cert={cert} with --tls-key={key}: {_reason(error)}") from None
    return context


def _trusting(path: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # a certificate may be trusted without the one that issued it
    files = sorted(each for each in path.iterdir() if not each.name.startswith(".")) if path.is_dir() else [path]
    for file in files:
        try:
            context.load_verify_locations(file)
        except OSError as error:
            raise ArgumentError(f"cannot use --tls-trusted={path}: {file.name}: {_reason(error)}") from None
    return context


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return "it is not a certificate and a key of it in PEM" if error.reason is None else error.reason.lower().replace("_", " ")
    return error.strerror or str(error)
