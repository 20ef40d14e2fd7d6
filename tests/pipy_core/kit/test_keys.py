import datetime as dt
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from pipy_core.kit.keys import MAX_PEM, Certificate, CertificateChain, PrivateKey, PublicKey

PEM = serialization.Encoding.PEM
PKCS8, TRADITIONAL = serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL
PLAIN = serialization.NoEncryption()
RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
KEYS = [RSA, EC, dsa.generate_private_key(2048), ed25519.Ed25519PrivateKey.generate()]
PARAMETERS = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
# made by: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:SM2
SM2 = b"""-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoEcz1UBgi0DQgAELzz6DoYxJCOECr3Dr8sbbJP38Ofu
vC/GBXOHReS44BtBgtlvHZyiPR187684Y0UVsag5aY47U2rb5gADxSSWOA==
-----END PUBLIC KEY-----
"""


def private_pem(key, form=PKCS8, encryption=PLAIN):
    return key.private_bytes(PEM, form, encryption)


def public_pem(key):
    return key.public_key().public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def certificate(name):
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    builder = x509.CertificateBuilder(subject, subject, EC.public_key(), 5, now, now + dt.timedelta(days=1))
    return builder.sign(EC, hashes.SHA256())


ONE, TWO = certificate("one"), certificate("two")


@pytest.mark.parametrize("key", KEYS, ids=lambda key: type(key).__name__)
def test_keys_of_all_kinds(key):
    assert private_pem(PrivateKey.parse(private_pem(key)).key) == private_pem(key)
    assert public_pem(PrivateKey.parse(b"some text\n" + private_pem(key)).key) == public_pem(key)
    assert PublicKey.parse(public_pem(key)).key == key.public_key()


@pytest.mark.parametrize(
    "pem",
    [
        private_pem(RSA, TRADITIONAL),
        private_pem(EC, TRADITIONAL),
        PARAMETERS + private_pem(EC, TRADITIONAL),
        ONE.public_bytes(PEM) + private_pem(EC),
        private_pem(RSA).replace(b"\n", b"\r\n"),
        private_pem(RSA) + private_pem(EC),
    ],
    ids=["PKCS#1", "SEC1", "with parameters", "behind a certificate", "CRLF", "the first of two"],
)
def test_private_keys_in_all_forms(pem):
    assert PrivateKey.parse(pem).key.public_key() in (RSA.public_key(), EC.public_key())


def test_certificates():
    pems = [each.public_bytes(PEM) for each in (ONE, TWO)]
    assert Certificate.parse(b"".join(pems)).certificate == ONE
    chain = CertificateChain.parse(b"comment\n".join(pems) + private_pem(EC))
    assert chain.certificates == (ONE, TWO)
    assert len(chain) == 2048


SECRET = serialization.BestAvailableEncryption(b"secret")
DAMAGED = b"-----BEGIN %b-----\nAAAA\n-----END %b-----\n"


@pytest.mark.parametrize(
    ("kind", "pem", "error"),
    [
        (PrivateKey, b"", "this is no private key in PEM form"),
        (PrivateKey, b"-----BEGIN PRIVATE KEY-----", "this is no private key in PEM form"),
        (PrivateKey, public_pem(RSA), "there is no private key in this PEM text, but PUBLIC KEY"),
        (PrivateKey, private_pem(RSA, PKCS8, SECRET), "the private key is encrypted; decrypt it first: "),
        (PrivateKey, private_pem(RSA, TRADITIONAL, SECRET), "the private key is encrypted; decrypt it first: "),
        (PrivateKey, DAMAGED % ((b"PRIVATE KEY",) * 2), "the private key cannot be read: "),
        (PrivateKey, DAMAGED % ((b"EC PRIVATE KEY",) * 2), "the private key cannot be read: "),
        (PublicKey, b"x", "this is no public key in PEM form"),
        (PublicKey, private_pem(RSA), "there is no public key in this PEM text, but PRIVATE KEY"),
        (PublicKey, DAMAGED % ((b"PUBLIC KEY",) * 2), "the public key cannot be read: "),
        (PublicKey, SM2, "the public key is one of SM2, which is not supported"),
        (Certificate, b"", "this is no certificate in PEM form"),
        (Certificate, public_pem(RSA), "there is no certificate in this PEM text, but PUBLIC KEY"),
        (Certificate, DAMAGED % ((b"CERTIFICATE",) * 2), "the certificate cannot be read: "),
        (CertificateChain, b"", "this is no certificate in PEM form"),
        (CertificateChain, private_pem(RSA), "there is no certificate in this PEM text, but PRIVATE KEY"),
        (CertificateChain, ONE.public_bytes(PEM) + DAMAGED % ((b"CERTIFICATE",) * 2), "the certificate cannot be read: "),
        (CertificateChain, b"x" * (MAX_PEM + 1), f"a PEM text of {MAX_PEM + 1} bytes is too long, {MAX_PEM} are allowed"),
    ],
)
def test_errors_are_one_line(kind, pem, error):
    with pytest.raises(ValueError, match=error) as caught:
        kind.parse(pem)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 120


def test_endless_beginnings_take_no_time():
    pem = b"-----BEGIN CERTIFICATE-----" * (MAX_PEM // 27) + b"\n" + ONE.public_bytes(PEM)[27:]
    began = time.process_time()
    assert CertificateChain.parse(pem[-MAX_PEM:]).certificates == (ONE,)
    assert time.process_time() - began < 2


LABELS = st.sampled_from([b"PRIVATE KEY", b"PUBLIC KEY", b"CERTIFICATE", b"EC PRIVATE KEY", b"ENCRYPTED PRIVATE KEY", b"X"])


@given(
    st.sampled_from([PrivateKey, PublicKey, Certificate, CertificateChain]), LABELS, st.binary(max_size=60) | st.just(b"MAMCAQA=")
)
def test_garbage_is_a_value_error(kind, label, content):
    with pytest.raises(ValueError, match=r"this is|there is|cannot be read|encrypted"):
        kind.parse(b"-----BEGIN %b-----\n%b\n-----END %b-----" % (label, content, label))
