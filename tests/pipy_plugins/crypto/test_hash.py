import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_plugins.crypto import hash as module
from pipy_plugins.crypto.digests import checked, new

# NIST FIPS 180-4 and 202 examples, RFC 1320, 1321, 7693, the RIPEMD-160 page, GB/T 32905
ABC = {
    "md5": "900150983cd24fb0d6963f7d28e17f72",
    "sha1": "a9993e364706816aba3e25717850c26c9cd0d89d",
    "sha224": "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7",
    "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "sha384": "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
    "sha512": "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    "sha512-224": "4634270f707b6a54daae7530460842e20e37ed265ceee9a43e8924aa",
    "sha512-256": "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23",
    "sha3-224": "e642824c3f8cf24ad09234ee7d3c766fc9a3a5168d0c94ad73b46fdf",
    "sha3-256": "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532",
    "sha3-384": "ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c2596da7cf0e49be4b298d88cea927ac7f539f1edf228376d25",
    "sha3-512": "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0",
    "shake128": "5881092dd818bf5cf8a3ddb793fbcba7",
    "shake256": "483366601360a8771c6863080cc4114d8db44530f8f1e1ee4f94ea37e78b5739",
    "blake2b512": "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d17d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923",
    "blake2s256": "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982",
    "ripemd160": "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc",
    "sm3": "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
    "md4": "a448017aaf21d8525fc10ae87aa6729d",
    "whirlpool": "4e2448a4c6f486bb16b6562c73b4020bf3043e3a731bce721ae1b303d97e6d4c7181eebdb6c57e277d0e34957114cbd6c797fc9d95d8b582d225292076d4eef5",
}


def offered(name):
    try:
        new(name)
    except ValueError:
        return False
    return True


def test_all_are_offered_but_those_that_openssl_3_calls_legacy():
    names = {*ABC, "md5-sha1", "mdc2"}
    assert names == {checked(name) for name in names}
    assert {name for name in names if not offered(name)} <= {"md4", "whirlpool", "mdc2"}


@pytest.mark.parametrize("name", [name for name in ABC if offered(name)])
def test_published_digests_of_abc(name):
    running = module.new_hash(name.upper())
    module.update(running, b"a")
    module.update(running, "bc")
    assert module.digest(running).hex() == ABC[name]


def test_md5_and_sha1_together():
    running = module.new_hash("md5-sha1")
    module.update(running, "abc")
    assert module.digest(running).hex() == ABC["md5"] + ABC["sha1"]


# RFC 4231, 4.2 to 4.7; RFC 2202; draft-shen-sm3 has no HMAC
HMACS = [
    ("sha256", b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    ("sha224", b"Jefe", b"what do ya want for nothing?", "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44"),
    (
        "sha384",
        b"\xaa" * 20,
        b"\xdd" * 50,
        "88062608d3e6ad8a0aa2ace014c8a86f0aa635d947ac9febe83ef4e55966144b2a5ab39dc13814b94e3ab6e101a34f27",
    ),
    (
        "sha512",
        b"\xaa" * 131,
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598",
    ),
    ("md5", b"\x0b" * 16, b"Hi There", "9294727a3638bb1c13f48ef8158bfc9d"),
    ("sha1", "Jefe", "what do ya want for nothing?", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
]


@pytest.mark.parametrize(("name", "key", "text", "code"), HMACS)
def test_published_authentication_codes(name, key, text, code):
    running = module.new_hmac(name, key)
    module.update(running, text)
    assert module.digest(running).hex() == code


@pytest.mark.parametrize("name", [name for name in ABC if not name.startswith("shake") and offered(name)])
def test_every_other_digest_makes_authentication_codes(name):
    running = module.new_hmac(name, b"k" * 300)
    module.update(running, b"abc")
    block = new(name).block_size
    key = (digest_of(name, b"k" * 300)).ljust(block, b"\0")
    inner = digest_of(name, bytes(byte ^ 0x36 for byte in key) + b"abc")
    assert module.digest(running) == digest_of(name, bytes(byte ^ 0x5C for byte in key) + inner)


def digest_of(name, content):
    running = module.new_hash(name)
    module.update(running, content)
    return module.digest(running)


@pytest.mark.parametrize("make", [module.new_hash, lambda name: module.new_hmac(name, "key")])
def test_it_ends_with_the_digest(make):
    running = make("sha256")
    module.digest(running)
    for again in (lambda: module.digest(running), lambda: module.update(running, "x")):
        with pytest.raises(ValueError, match=r"digest\(\) has been called already"):
            again()


@pytest.mark.parametrize("name", ["", "sha", "sha-256", "SHA-256", "sha3_256", "blake2b", "__proto__", "sha256 ", "\u017fha256"])
def test_unknown_digests(name):
    with pytest.raises(ValueError, match="unknown message digest"):
        checked(name)


@pytest.mark.parametrize("name", [None, 5, b"sha256"])
def test_a_name_is_text(name):
    with pytest.raises(TypeError, match="argument #1 expects a string"):
        checked(name)


def test_no_codes_of_any_length():
    with pytest.raises(ValueError, match="there is no HMAC with shake128"):
        module.new_hmac("shake128", "key")


def test_what_openssl_does_not_offer(monkeypatch):
    monkeypatch.setattr("hashlib.new", refuse)
    with pytest.raises(ValueError, match="the message digest md4 is not offered by the OpenSSL of this system"):
        module.new_hash("md4")


def refuse(name, **_):
    raise ValueError(f"unsupported hash type {name}")


@given(st.lists(st.binary(max_size=300), max_size=6))
def test_pieces_are_meaningless(pieces):
    running = module.new_hash("sha3-256")
    for piece in pieces:
        module.update(running, piece)
    assert module.digest(running) == digest_of("sha3-256", b"".join(pieces))


def test_in_a_script(run):
    results = run(
        """[
            new crypto.Hash('sha256').update('abc').digest('hex'),
            new crypto.Hash('sha256').update('616263', 'hex').digest().size,
            new crypto.Hash('md5').update(new Data('abc')).digest('base64'),
            (h => (h.update('Hi There'), h.digest('hex')))(new crypto.Hmac('md5', new Data('0b'.repeat(16), 'hex'))),
            caught(() => new crypto.Hash('sha0')),
            caught(() => new crypto.Hash()),
            caught(() => new crypto.Hmac('md5')),
            caught(() => new crypto.Hash('md5').update(5)),
            caught(() => new crypto.Hash('md5').update('x', 'hex')),
            caught(() => new crypto.Hash('md5').digest('octal')),
            caught(() => (h => (h.digest(), h.digest()))(new crypto.Hash('md5'))),
        ]"""
    )
    assert results == [
        ABC["sha256"],
        32,
        "kAFQmDzST7DWlj99KOF/cg==",
        "9294727a3638bb1c13f48ef8158bfc9d",
        "Error: unknown message digest: sha0",
        "Error: argument #1 expects a string",
        "Error: argument #2 expects a string or an instance of Data",
        "Error: argument #1 expects a string or an instance of Data",
        "TypeError: incomplete hex string",
        "TypeError: unknown encoding: octal",
        "Error: digest() has been called already",
    ]
