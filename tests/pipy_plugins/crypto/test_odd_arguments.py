"""Whatever a script hands to ``crypto``, what it gets is a value or an error of its own, never one of ours."""

from pipy_core.testing import logged
from tests.pipy_plugins.crypto.openssl import openssl

VALUES = """[undefined, null, true, 0, -1, 1.5, NaN, 1n, '', 'text', 'sha256', 'aes-128-gcm', 'hex', '\\ud800', '\\0', [], [1], {}, { id: 1 },
  { kty: 'EC' }, new Data, new Data([255, 0]), new Message, () => 1, Symbol('s'), new Map, new Date(NaN), Object.create(null), /x/,
  key, pub, new crypto.Hash('md5'), new crypto.Cipher('sm4-ecb', { key: 'k'.repeat(16) }), new crypto.JWT('x'), 'x'.repeat(100000)]"""

CALLS = """[
  a => new crypto.PrivateKey(a), a => new crypto.PrivateKey(pem, a), a => new crypto.PublicKey(a), a => new crypto.Certificate(a),
  a => new crypto.CertificateChain(a), a => new crypto.Hash(a), a => new crypto.Hash('md5').update(a), a => new crypto.Hash('md5').update('ab', a),
  a => new crypto.Hash('md5').digest(a), a => new crypto.Hmac(a, a), a => new crypto.Hmac('md5', a), a => new crypto.Cipher(a, { key: a, iv: a }),
  a => new crypto.Cipher('aes-128-cbc', a), a => new crypto.Cipher('sm4-cbc', { key: 'k'.repeat(16), iv: a }),
  a => new crypto.Cipher('aes-128-gcm', { key: 'k'.repeat(16), iv: a }), a => new crypto.Decipher('sm4-ecb', { key: a }),
  a => new crypto.Cipher('sm4-ecb', { key: 'k'.repeat(16) }).update(a), a => new crypto.Decipher('sm4-ecb', { key: 'k'.repeat(16) }).update(a),
  a => new crypto.Cipher('aes-128-gcm', { key: 'k'.repeat(16), iv: 'i'.repeat(12) }).setAAD(a),
  a => new crypto.Decipher('aes-128-gcm', { key: 'k'.repeat(16), iv: 'i'.repeat(12) }).setAuthTag(a),
  a => new crypto.Sign(a), a => new crypto.Sign('sha256').update(a), a => new crypto.Sign('sha256').sign(a), a => new crypto.Sign('sha256').sign(key, a),
  a => new crypto.Sign('sha256').sign(key, 'hex', a), a => new crypto.Verify('sha256').verify(a, a), a => new crypto.Verify('sha256').verify(pub, a, a, a),
  a => new crypto.JWK(a), a => new crypto.JWK({ kty: a }), a => new crypto.JWK({ kty: 'RSA', n: a, e: a }), a => new crypto.JWK({ kty: 'EC', crv: 'P-256', x: a, y: a }),
  a => new crypto.JWT(a).isValid, a => new crypto.JWT(token).verify(a), a => new crypto.JWT(rs256).verify(a),
]"""


def test_nothing_is_our_bug(run):
    key = openssl("genrsa", "2048").decode()
    header = {"HS256": "eyJhbGciOiJIUzI1NiJ9.e30.AAAA", "RS256": "eyJhbGciOiJSUzI1NiJ9.e30.AAAA"}
    with logged() as lines:
        errors = run(
            f"""((key, pub, values, calls) => [
                ...new Set(calls(key, pub).flatMap(call => values(key, pub).map(value => caught(() => (call(value), 'fine')))))
            ])(new crypto.PrivateKey(pem), new crypto.PublicKey(spki), (key, pub) => {VALUES}, (key, pub) => {CALLS})""",
            pem=key,
            spki=openssl("pkey", "-pubout", given=key.encode()).decode(),
            token=header["HS256"],
            rs256=header["RS256"],
        )
    assert [line for line in lines if "bug in" in line] == []
    assert "fine" in errors
    assert [each for each in errors if each != "fine" and not each.startswith(("Error: ", "TypeError: "))] == []
    assert len(errors) > 30
