import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa

from pipy_core.api import UNDEFINED, PrivateKey, PublicKey
from pipy_plugins.crypto import signature as module
from tests.pipy_plugins.crypto.openssl import openssl

RSA = PrivateKey(rsa.generate_private_key(65537, 2048))
EC = PrivateKey(ec.generate_private_key(ec.SECP384R1()))
DSA = PrivateKey(dsa.generate_private_key(2048))
ED = PrivateKey(ed25519.Ed25519PrivateKey.generate())
TEXT = b"what is signed"


def public(private):
    return PublicKey(private.key.public_key())


def begun(name, text=TEXT):
    running = module.new_signature(name)
    module.update(running, text[:3])
    module.update(running, text[3:])
    return running


def signed(name, key, text=TEXT):
    return module.sign(begun(name, text), key, UNDEFINED)


def verified(name, key, signature, text=TEXT):
    return module.verify(begun(name, text), key, signature, UNDEFINED)


@pytest.mark.parametrize("key", [RSA, EC, DSA], ids=["RSA", "EC", "DSA"])
@pytest.mark.parametrize("name", ["sha1", "sha256", "sha512", "sha3-256", "sm3"])
def test_there_and_back(name, key):
    signature = signed(name, key)
    assert verified(name, public(key), signature)
    assert not verified(name, public(key), signature, b"something else")
    assert not verified("sha224", public(key), signature)
    assert not verified(name, public(key), signature[:-1])
    assert not verified(name, public(key), b"")
    for other in (RSA, EC, DSA):
        if other is not key:
            assert not verified(name, public(other), signature)


@pytest.mark.parametrize("key", ["rsa", "ec"])
@pytest.mark.parametrize("name", ["sha256", "sha384", "md5", "sha512-256"])
def test_openssl_agrees(tmp_path, key, name):
    pem = openssl("genrsa", "2048") if key == "rsa" else openssl("ecparam", "-name", "prime256v1", "-genkey")
    (tmp_path / "key.pem").write_bytes(pem)
    (tmp_path / "public.pem").write_bytes(openssl("pkey", "-pubout", given=pem))
    theirs = openssl("dgst", f"-{name}", "-sign", tmp_path / "key.pem", given=TEXT)
    assert verified(name, PublicKey.parse((tmp_path / "public.pem").read_bytes()), theirs)
    (tmp_path / "ours").write_bytes(signed(name, PrivateKey.parse(pem)))
    check = ("dgst", f"-{name}", "-verify", tmp_path / "public.pem", "-signature", tmp_path / "ours")
    assert openssl(*check, given=TEXT) == b"Verified OK\n"


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("sha0", "unknown message digest: sha0"),
        ("md4", "signatures of md4 are not supported"),
        ("shake128", "signatures of shake128 are not supported"),
        ("ripemd160", "signatures of ripemd160 are not supported"),
    ],
)
def test_other_digests(name, error):
    with pytest.raises(ValueError, match=error):
        module.new_signature(name)


def test_keys_that_do_not_fit():
    with pytest.raises(ValueError, match="a key of this kind cannot sign a digest"):
        signed("sha256", ED)
    with pytest.raises(ValueError, match="a key of this kind cannot verify a digest"):
        verified("sha256", public(ED), b"")
    with pytest.raises(ValueError, match="this key cannot sign blake2s"):
        signed("blake2s256", RSA)
    with pytest.raises(ValueError, match="this key cannot verify blake2s"):
        verified("blake2s256", public(RSA), b"x" * 256)


def test_it_ends_with_the_signature():
    running = begun("sha256")
    module.sign(running, RSA, UNDEFINED)
    for again in (lambda: module.sign(running, RSA, UNDEFINED), lambda: module.update(running, "x")):
        with pytest.raises(ValueError, match="this has been signed or verified already"):
            again()


@pytest.mark.parametrize("identity", [b"1234567812345678", "id", 5])
def test_an_identity_is_for_sm2(identity):
    with pytest.raises(ValueError, match="SM2, which are not supported"):
        module.sign(begun("sm3"), EC, identity)
    with pytest.raises(ValueError, match="SM2, which are not supported"):
        module.verify(begun("sm3"), public(EC), b"", identity)


def test_in_a_script(run):
    key = openssl("genrsa", "2048")
    results = run(
        """((k, p, sign, verify) => [
            sign('sha256').update('text').sign(k, 'hex').length,
            verify('sha256').update('text').verify(p, sign('sha256').update('text').sign(k)),
            verify('sha256').update('74657874', 'hex').verify(p, sign('sha256').update('text').sign(k, 'base64', {}), 'base64'),
            verify('sha256').update('text').verify(p, 'no hex', 'hex'),
            verify('sha256').update('text').verify(p, new Data),
            caught(() => verify('sha256').verify(p, '00', 'octal')),
            caught(() => verify('sha256').verify(p)),
            caught(() => verify('sha256').verify(k, new Data)),
            caught(() => sign('sha256').sign(p)),
            caught(() => sign('sha256').sign('text')),
            caught(() => sign('sha256').sign(k, { id: new Data('x') })),
            caught(() => sign('sha256').sign(k, 'hex', { id: new Data('x') })),
            caught(() => verify('sha256').verify(p, new Data, { id: new Data('x') })),
        ])(new crypto.PrivateKey(key), new crypto.PublicKey(pub), (name) => new crypto.Sign(name), (name) => new crypto.Verify(name))""",
        key=key,
        pub=openssl("pkey", "-pubout", given=key).decode(),
    )
    assert results == [
        512,
        True,
        True,
        False,
        False,
        "TypeError: unknown encoding: octal",
        "Error: argument #2 expects a string or an instance of Data",
        "Error: argument #1 expects an instance of crypto.PublicKey",
        "Error: argument #1 expects an instance of crypto.PrivateKey",
        "Error: argument #1 expects an instance of crypto.PrivateKey",
        "Error: options.id is for keys of SM2, which are not supported",
        "Error: options.id is for keys of SM2, which are not supported",
        "Error: options.id is for keys of SM2, which are not supported",
    ]
