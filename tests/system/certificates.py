"""Certificates for tests: an authority that issues what a test needs, valid for longer than all tests take."""

import datetime as dt
import functools
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOUR = dt.timedelta(hours=1)
DAY = 24 * HOUR


@dataclass(frozen=True)
class Issued:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Any

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        form = serialization.PrivateFormat.PKCS8
        return self.key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()

    def write(self, directory: Path, name: str) -> None:
        """As ``NAME-cert.pem`` and ``NAME-key.pem``."""
        (directory / f"{name}-cert.pem").write_text(self.pem)
        (directory / f"{name}-key.pem").write_text(self.key_pem)


class Authority(Issued):
    """Who issues certificates: a root unless *issuer* is another authority."""

    def issue(self, name: str, hosts: Sequence[str] = (), *, key: Any = None, age: dt.timedelta = HOUR) -> Issued:
        """A certificate for *hosts* (names and addresses).

        :param age: how long ago it was issued; it is valid for a day from then on.
        """
        key = key or ec.generate_private_key(ec.SECP256R1())
        builder = _builder(name, key, age).issuer_name(self.certificate.subject)
        if hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName([_general_name(host) for host in hosts]), critical=False)
        return Issued(builder.sign(self.key, hashes.SHA256()), key)

    def authority(self, name: str) -> "Authority":
        """An authority below this one."""
        return _authority(name, self)


def _builder(name: str, key: Any, age: dt.timedelta) -> x509.CertificateBuilder:
    begin = dt.datetime.now(dt.UTC) - age
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder().subject_name(subject).public_key(key.public_key())
    return builder.serial_number(x509.random_serial_number()).not_valid_before(begin).not_valid_after(begin + DAY)


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _authority(name: str, issuer: Issued | None = None) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(name, key, HOUR).add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    signer = (
        (issuer.certificate.subject, issuer.key) if issuer else (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), key)
    )
    return Authority(builder.issuer_name(signer[0]).sign(signer[1], hashes.SHA256()), key)


@functools.cache
def authority(name: str = "test authority") -> Authority:
    """A root; the same one for the same *name*."""
    return _authority(name)
