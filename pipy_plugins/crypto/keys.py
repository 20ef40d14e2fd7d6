"""``crypto.PrivateKey``, ``crypto.PublicKey``, ``crypto.Certificate`` and ``crypto.CertificateChain``, each made of PEM text."""

from typing import Any

from pipy_core.api import Certificate, CertificateChain, PrivateKey, PublicKey, Registry, hookimpl
from pipy_plugins.crypto import source
from pipy_plugins.crypto.arguments import octets


def private_key(pem: Any, alias: Any) -> PrivateKey:
    """See ``PrivateKey.parse``."""
    _refuse(alias)
    return PrivateKey.parse(octets(pem, 1))


def public_key(pem: Any, alias: Any) -> PublicKey:
    """See ``PublicKey.parse``."""
    _refuse(alias)
    return PublicKey.parse(octets(pem, 1))


def _refuse(alias: Any) -> None:
    if alias == "sm2":
        raise ValueError("keys of SM2 are not supported")


def certificate(pem: Any) -> Certificate:
    """See ``Certificate.parse``."""
    return Certificate.parse(octets(pem, 1))


def certificate_chain(pem: Any) -> CertificateChain:
    """See ``CertificateChain.parse``."""
    return CertificateChain.parse(octets(pem, 1))


@hookimpl
def pipy_register_scripts(registry: Registry) -> None:
    """Add the classes of keys and certificates to ``crypto``."""
    registry.add_function("crypto.privateKey", private_key)
    registry.add_function("crypto.publicKey", public_key)
    registry.add_function("crypto.certificate", certificate)
    registry.add_function("crypto.certificateChain", certificate_chain)
    source.add(registry, "keys")
