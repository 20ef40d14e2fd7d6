import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_core.api import UNDEFINED
from pipy_plugins.crypto import cipher
from tests.pipy_plugins.crypto.openssl import openssl

COUNT = bytes(range(16))
NIST_KEY = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
NIST_KEY_256 = bytes.fromhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
NIST_BLOCK = bytes.fromhex("6bc1bee22e409f96e93d7e117393172a")
SM4_BLOCK = bytes.fromhex("0123456789abcdeffedcba9876543210")
KEYS = {"sm4": 16, "aes-128": 16, "aes-192": 24, "aes-256": 32}


def seal(algorithm, key, iv, *pieces):
    sealer = cipher.new_cipher(algorithm, key, iv)
    return b"".join([*(cipher.update(sealer, piece) for piece in pieces), cipher.final(sealer)])


def open_(algorithm, key, iv, *pieces):
    opener = cipher.new_decipher(algorithm, key, iv)
    return b"".join([*(cipher.update(opener, piece) for piece in pieces), cipher.final(opener)])


# GB/T 32907, A.1; NIST SP 800-38A, F
@pytest.mark.parametrize(
    ("algorithm", "key", "iv", "text", "sealed"),
    [
        ("sm4-ecb", SM4_BLOCK, b"", SM4_BLOCK, "681edf34d206965e86b3e94f536e4246"),
        ("aes-128-ecb", NIST_KEY, b"", NIST_BLOCK, "3ad77bb40d7a3660a89ecaf32466ef97"),
        ("aes-128-cbc", NIST_KEY, COUNT, NIST_BLOCK, "7649abac8119b246cee98e9b12e9197d"),
        ("aes-128-cfb", NIST_KEY, COUNT, NIST_BLOCK, "3b3fd92eb72dad20333449f8e83cfb4a"),
        ("aes-128-cfb128", NIST_KEY, COUNT, NIST_BLOCK, "3b3fd92eb72dad20333449f8e83cfb4a"),
        ("aes-128-ofb", NIST_KEY, COUNT, NIST_BLOCK, "3b3fd92eb72dad20333449f8e83cfb4a"),
        ("aes-128-ctr", NIST_KEY, bytes(range(0xF0, 0x100)), NIST_BLOCK, "874d6191b620e3261bef6864990db6ce"),
        ("AES-256-ECB", NIST_KEY_256, b"", NIST_BLOCK, "f3eed1bdb5d2a03c064b5a7e3db181f8"),
    ],
)
def test_published_blocks(algorithm, key, iv, text, sealed):
    assert seal(algorithm, key, iv, text)[:16].hex() == sealed


# The GCM specification of McGrew and Viega, test case 4
GCM = [
    bytes.fromhex(each)
    for each in (
        "feffe9928665731c6d6a8f9467308308",
        "cafebabefacedbaddecaf888",
        "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
        "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
        "5bc94fbc3221a5db94fae95ae7121a47",
    )
]


# RFC 8998, A.1
SM4_GCM = [
    bytes.fromhex(each)
    for each in (
        "0123456789abcdeffedcba9876543210",
        "00001234567800000000abcd",
        "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        "aa" * 8 + "bb" * 8 + "cc" * 8 + "dd" * 8 + "ee" * 8 + "ff" * 8 + "ee" * 8 + "aa" * 8,
        "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d",
        "83de3541e4c2b58177e065a9bf7b62ec",
    )
]


@pytest.mark.parametrize(("algorithm", "vector"), [("aes-128-gcm", GCM), ("sm4-gcm", SM4_GCM)])
def test_authenticated(algorithm, vector):
    key, iv, extra, text, sealed, tag = vector
    sealer = cipher.new_cipher(algorithm, key, iv)
    sealer.authenticate(extra)
    assert cipher.update(sealer, text) + cipher.final(sealer) == sealed
    assert sealer.tag() == tag
    opener = cipher.new_decipher(algorithm, key, iv)
    opener.authenticate(extra)
    opener.expect(tag)
    assert cipher.update(opener, sealed) + cipher.final(opener) == text


@pytest.mark.parametrize("change", ["tag", "extra", "text"])
def test_what_was_changed_is_refused(change):
    key, iv, extra, _, sealed, tag = GCM
    opener = cipher.new_decipher("aes-128-gcm", key, iv)
    opener.authenticate(extra + b"x" * (change == "extra"))
    opener.expect(bytes(16) if change == "tag" else tag)
    cipher.update(opener, sealed[:-1] if change == "text" else sealed)
    with pytest.raises(ValueError, match="the authentication tag is wrong"):
        cipher.final(opener)


def test_no_plain_text_without_a_tag():
    opener = cipher.new_decipher("aes-128-gcm", *GCM[:2])
    with pytest.raises(ValueError, match="setAuthTag"):
        cipher.final(opener)


@pytest.mark.parametrize("family", KEYS)
@pytest.mark.parametrize("mode", ["cbc", "ecb", "cfb", "ofb", "ctr"])
def test_openssl_agrees(family, mode):
    key, iv, text = bytes(range(KEYS[family])), COUNT[::-1], b"some text that is no whole number of blocks"
    vector = [] if mode == "ecb" else ["-iv", iv.hex()]
    sealed = openssl("enc", f"-{family}-{mode}", "-K", key.hex(), *vector, given=text)
    assert seal(f"{family}-{mode}", key, iv, text[:7], text[7:]) == sealed
    assert open_(f"{family}-{mode}", key, iv, sealed[:17], sealed[17:]) == text


@given(st.sampled_from(["sm4-cbc", "aes-192-ecb", "aes-256-ctr", "sm4-cfb"]), st.lists(st.binary(max_size=50), max_size=5))
def test_there_and_back(algorithm, pieces):
    key = bytes(KEYS[algorithm.rpartition("-")[0]])
    sealed = seal(algorithm, key, COUNT, *pieces)
    assert open_(algorithm, key, COUNT, *(sealed[at : at + 7] for at in range(0, len(sealed), 7))) == b"".join(pieces)


@given(st.binary(max_size=64))
def test_garbage_is_a_bad_decrypt(garbage):
    try:
        opened = open_("sm4-cbc", COUNT, COUNT, garbage)
    except ValueError as error:
        opened = str(error).encode()
    assert opened.startswith(b"bad decrypt") or seal("sm4-cbc", COUNT, COUNT, opened) == garbage


@pytest.mark.parametrize(
    ("algorithm", "key", "iv", "error"),
    [
        ("sm4", b"", b"", "unknown cipher: sm4"),
        ("des-cbc", COUNT, COUNT, "unknown cipher: des-cbc"),
        ("aes-cbc", COUNT, COUNT, "unknown cipher: aes-cbc"),
        ("aes-128-xts", COUNT, COUNT, "unknown cipher: aes-128-xts"),
        ("", COUNT, COUNT, "unknown cipher: "),
        ("sm4-cbc", COUNT[:-1], COUNT, "options.key length should be 16"),
        ("aes-256-cbc", COUNT, COUNT, "options.key length should be 32"),
        ("sm4-cbc", COUNT, b"", "options.iv length should be 16"),
        ("sm4-ctr", COUNT, COUNT + b"x", "options.iv length should be 16"),
        ("aes-128-gcm", COUNT, b"1234567", "options.iv length should be 8 to 128, usually 12"),
        ("sm4-cbc", UNDEFINED, COUNT, "options.key is missing"),
        ("sm4-cbc", COUNT, None, "options.iv is missing"),
        ("sm4-cbc", COUNT, 5, "options.iv expects a string or an instance of Data"),
        (5, COUNT, COUNT, "argument #1 expects a string"),
    ],
)
def test_wrong_arguments(algorithm, key, iv, error):
    for make in (cipher.new_cipher, cipher.new_decipher):
        with pytest.raises((ValueError, TypeError)) as caught:
            make(algorithm, key, iv)
        assert str(caught.value) == error


def test_it_ends_with_final():
    for make in (cipher.new_cipher, cipher.new_decipher):
        coder = make("sm4-ctr", COUNT, COUNT)
        assert cipher.final(coder) == b""
        for again in (lambda coder=coder: cipher.final(coder), lambda coder=coder: cipher.update(coder, "x")):
            with pytest.raises(ValueError, match=r"final\(\) has been called already"):
                again()


def test_in_a_script(run):
    results = run(
        """(sealer => (opener => [
            sealer.setAAD('extra').update(text).size + sealer.final().size,
            opener.setAAD('extra').setAuthTag(sealer.getAuthTag()).update(new crypto.Cipher('aes-128-gcm', options).update(text)).toString(),
            opener.final().size,
            new crypto.Cipher('sm4-ecb', { key: 'k'.repeat(16) }).update('x'.repeat(16)).size,
            caught(() => new crypto.Cipher('aes-128-gcm', options).getAuthTag()),
            caught(() => new crypto.Cipher('sm4-cbc')),
            caught(() => new crypto.Cipher('sm4-cbc', options)),
            caught(() => new crypto.Cipher('sm4-ecb', options).setAAD('x')),
            caught(() => new crypto.Decipher('sm4-ecb', options).setAuthTag('x')),
            caught(() => new crypto.Decipher('aes-128-gcm', options).setAuthTag('x')),
            caught(() => new crypto.Cipher('sm4-ecb', options).update(5)),
        ])(new crypto.Decipher('aes-128-gcm', options)))(new crypto.Cipher('aes-128-gcm', options))""".replace(
            "options", "({ key, iv: 'once and only' })"
        ),
        key=COUNT,
        text="a secret",
    )
    assert results == [
        8,
        "a secret",
        0,
        16,
        "Error: the authentication tag is there after final(), of ciphers in GCM mode",
        "Error: options.key is missing",
        "Error: options.iv length should be 16",
        "Error: only ciphers in GCM mode authenticate",
        "Error: only ciphers in GCM mode authenticate",
        "Error: an authentication tag has 16 bytes",
        "Error: argument #1 expects a string or an instance of Data",
    ]
