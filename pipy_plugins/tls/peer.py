"""Who the peer is: what a certificate says, in the words of scripts, and whether it is one for a name. Pure functions."""

import ipaddress
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from OpenSSL import SSL

_ERRORS: Final = {
    number: name.removeprefix("ERR_").replace("_", " ").lower()
    for name, number in vars(SSL.X509VerificationCodes).items()
    if name.startswith("ERR_")
}

#: What there is to say about a certificate that is shown to a script: no more names than this.
MOST_NAMES: Final = 1000


def names(certificate: x509.Certificate) -> tuple[list[str], list[str]]:
    """The host names and the addresses that *certificate* is for. What it says in its subject does not count (RFC 9525, 2)."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        addresses = [str(address) for address in found.get_values_for_type(x509.IPAddress)]
        return found.get_values_for_type(x509.DNSName)[:MOST_NAMES], addresses[:MOST_NAMES]
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):  # ValueError: it is damaged
        return [], []


def is_for(certificate: x509.Certificate, name: str) -> bool:
    """Whether *certificate* is one for *name*, a host name in its ASCII form or an address (RFC 9525, 6)."""
    hosts, addresses = names(certificate)
    address = address_of(name)
    if address is not None:
        return any(address_of(each) == address for each in addresses)
    wanted = name.lower().rstrip(".")
    return any(_fits(each.lower().rstrip("."), wanted) for each in hosts)


def address_of(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """*name* as an address, or None if it is none."""
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def _fits(pattern: str, name: str) -> bool:
    """``*`` stands for one whole label, the first one, and not for a top level."""
    if pattern == name:
        return bool(name)
    first, _, rest = pattern.partition(".")
    return first == "*" and "." in rest and name.partition(".")[2] == rest and not name.startswith(".")


def describe(certificate: x509.Certificate, depth: int, error: str) -> dict[str, Any]:
    """*certificate* as an object for scripts.

    :param depth: 0 is the peer's own, 1 that of who signed it, and so on.
    :param error: what is wrong with it; empty if nothing is.
    """
    hosts, addresses = names(certificate)
    return {
        "subject": _shown(certificate, "subject"),
        "issuer": _shown(certificate, "issuer"),
        "serialNumber": f"{certificate.serial_number:x}",
        "names": hosts + addresses,
        "notBefore": certificate.not_valid_before_utc.isoformat().replace("+00:00", "Z"),
        "notAfter": certificate.not_valid_after_utc.isoformat().replace("+00:00", "Z"),
        "fingerprint": certificate.fingerprint(SHA256()).hex(),
        "depth": depth,
        "error": error,
    }


def words_for(error: int) -> str:
    """OpenSSL's number for what is wrong with a certificate, in words; empty if nothing is."""
    return _ERRORS.get(error, f"error {error}") if error else ""


def _shown(certificate: x509.Certificate, which: str) -> str:
    try:
        name: x509.Name = getattr(certificate, which)
        return name.rfc4514_string()
    except ValueError:  # a peer can put anything there
        return ""
