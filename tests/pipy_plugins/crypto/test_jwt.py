import base64
import hashlib
import hmac
import json

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from pipy_core.api import PrivateKey, PublicKey
from pipy_plugins.crypto import jwt as module

KEYS = {
    "rsa": rsa.generate_private_key(65537, 2048),
    "p256": ec.generate_private_key(ec.SECP256R1()),
    "p384": ec.generate_private_key(ec.SECP384R1()),
    "p521": ec.generate_private_key(ec.SECP521R1()),
    "k256": ec.generate_private_key(ec.SECP256K1()),
    "ed": ed25519.Ed25519PrivateKey.generate(),
}
SHA = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
PAYLOAD = {"sub": "joe"}


def encoded(value):
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def decoded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def public_pem(key):
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def signature_of(algorithm, key, signed):
    digest = SHA.get(algorithm[2:])
    match algorithm[:2]:
        case "RS":
            return key.sign(signed, padding.PKCS1v15(), digest)
        case "PS":
            return key.sign(signed, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
        case "ES":
            size = (key.curve.key_size + 7) // 8
            r, s = decode_dss_signature(key.sign(signed, ec.ECDSA(digest)))
            return r.to_bytes(size) + s.to_bytes(size)
        case "Ed":
            return key.sign(signed)
    return hmac.digest(key, signed, digest.name)


def signed_text(algorithm, header=None):
    return f"{encoded(header or {'alg': algorithm})}.{encoded(PAYLOAD)}"


SIGNERS = {
    **dict.fromkeys(["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"], "rsa"),
    "ES256": "p256",
    "ES384": "p384",
    "ES512": "p521",
    "EdDSA": "ed",
}


SECRETS = st.binary().filter(lambda secret: b"-----BEGIN " not in secret)


def verify(algorithm, text, signature, key):
    return module.verify(algorithm, text, encoded(signature), key)


class TestVerify:
    @pytest.mark.parametrize("algorithm", SIGNERS)
    def test_public_keys(self, algorithm):
        key, text = KEYS[SIGNERS[algorithm]], signed_text(algorithm)
        signature = signature_of(algorithm, key, text.encode())
        forms = [PublicKey(key.public_key()), PrivateKey(key), pem(key), public_pem(key), pem(key).decode()]
        assert [verify(algorithm, text, signature, form) for form in forms] == [True] * 5
        assert not verify(algorithm, text + "x", signature, forms[0])
        changed = bytes([signature[0] ^ 1]) + signature[1:]
        for wrong in (changed, signature[:-1], signature + b"x", b""):
            assert not verify(algorithm, text, wrong, forms[0])
        for other in KEYS.values():
            if other is not key:
                assert not verify(algorithm, text, signature, PublicKey(other.public_key()))
                assert not verify(algorithm, text, signature, public_pem(other))

    @pytest.mark.parametrize("algorithm", [each for each in SIGNERS if each != "EdDSA"])
    def test_each_algorithm_is_its_own(self, algorithm):
        key, text = KEYS[SIGNERS[algorithm]], signed_text(algorithm)
        signature = signature_of(algorithm, key, text.encode())
        accepted = [each for each in SIGNERS if verify(each, text, signature, PublicKey(key.public_key()))]
        assert accepted == [algorithm]

    def test_signatures_in_der_are_none(self):
        text = signed_text("ES256")
        der = KEYS["p256"].sign(text.encode(), ec.ECDSA(hashes.SHA256()))
        assert not verify("ES256", text, der, PublicKey(KEYS["p256"].public_key()))

    @pytest.mark.parametrize("halves", [(0, 0), (1, 0), (2**256 - 1, 2**256 - 1)])
    def test_numbers_out_of_range(self, halves):
        signature = b"".join(half.to_bytes(32) for half in halves)
        assert not verify("ES256", signed_text("ES256"), signature, PublicKey(KEYS["p256"].public_key()))

    @pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
    def test_secrets(self, algorithm):
        text = signed_text(algorithm)
        signature = signature_of(algorithm, b"secret", text.encode())
        assert verify(algorithm, text, signature, "secret")
        assert verify(algorithm, text, signature, b"secret")
        assert not verify(algorithm, text, signature, "secret ")
        assert not verify(algorithm, text, signature[:-1], "secret")
        assert not verify(algorithm, text, b"", "secret")

    @pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
    @pytest.mark.parametrize("make", [public_pem, pem, lambda key: b"\n" + public_pem(key), lambda key: b""])
    def test_a_public_key_is_no_secret(self, algorithm, make):
        secret, text = make(KEYS["rsa"]), signed_text(algorithm)
        signature = signature_of(algorithm, secret, text.encode())
        assert not verify(algorithm, text, signature, secret)

    def test_other_keys_are_no_secret(self):
        text = signed_text("HS256")
        for key in (PublicKey(KEYS["rsa"].public_key()), PrivateKey(KEYS["rsa"]), module.new_jwk(RFC_RSA)):
            assert not verify("HS256", text, b"", key)

    def test_a_secret_is_no_key(self):
        assert not verify("RS256", signed_text("RS256"), b"x" * 256, "my-secret")

    @pytest.mark.parametrize("text", ["-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "-----BEGIN PRIVATE KEY-----"])
    def test_damaged_keys(self, text):
        with pytest.raises(ValueError, match=r"public key|private key"):
            verify("RS256", signed_text("RS256"), b"", text)

    @pytest.mark.parametrize("key", [5, True, None, ["secret"], {"kty": "RSA"}])
    def test_what_is_no_key_at_all(self, key):
        with pytest.raises(TypeError, match="argument #1 expects a string, an instance of Data, or a key"):
            verify("HS256", signed_text("HS256"), b"", key)

    @given(st.sampled_from([*SIGNERS, "HS256"]), st.text(), st.binary(), st.sampled_from(list(KEYS)) | SECRETS)
    def test_garbage_is_false(self, algorithm, text, signature, key):
        given_key = PublicKey(KEYS[key].public_key()) if isinstance(key, str) else key
        assert verify(algorithm, text.encode("utf-8", "replace").decode(), signature, given_key) is False

    @pytest.mark.parametrize("signature", ["no base64", "AAAA=", "A", "\u00e9"])
    def test_signatures_that_are_none(self, signature):
        assert not module.verify("HS256", signed_text("HS256"), signature, "secret")


# RFC 7515, A.1 to A.3; RFC 8037, A.4
RFC_PAYLOAD = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
RFC_SECRET = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
RFC_HMAC = f"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{RFC_PAYLOAD}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
RFC_RSA = {
    "kty": "RSA",
    "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
    "e": "AQAB",
}
RFC_RSA_SIGNATURE = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
RFC_EC = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}
RFC_EC_SIGNATURE = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
RFC_ED = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
RFC_ED_SIGNATURE = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"


class TestJwk:
    @pytest.mark.parametrize(
        ("algorithm", "text", "signature", "members"),
        [
            ("RS256", f"eyJhbGciOiJSUzI1NiJ9.{RFC_PAYLOAD}", RFC_RSA_SIGNATURE, RFC_RSA),
            ("ES256", f"eyJhbGciOiJFUzI1NiJ9.{RFC_PAYLOAD}", RFC_EC_SIGNATURE, RFC_EC),
            ("EdDSA", "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc", RFC_ED_SIGNATURE, RFC_ED),
        ],
    )
    def test_published_signatures(self, algorithm, text, signature, members):
        key = module.new_jwk({**members, "kid": "1", "d": "private"})
        assert verify(algorithm, text, decoded(signature), key)
        assert not verify(algorithm, text + "A", decoded(signature), key)

    @pytest.mark.parametrize(
        ("members", "error"),
        [
            ({}, 'missing "kty"'),
            ({"kty": None}, 'missing "kty"'),
            ({"kty": "oct", "k": "AAAA"}, 'unknown "kty"'),
            ({"kty": "rsa", "n": "AQAB", "e": "AQAB"}, 'unknown "kty"'),
            ({"kty": "RSA"}, 'missing "n"'),
            ({"kty": "RSA", "n": "AQAB"}, 'missing "e"'),
            ({"kty": "RSA", "n": 5, "e": "AQAB"}, 'missing "n"'),
            ({"kty": "EC", "x": "AQAB", "y": "AQAB"}, 'missing "crv"'),
            ({"kty": "EC", "crv": "P-256", "y": "AQAB"}, 'missing "x"'),
            ({"kty": "EC", "crv": "P-256", "x": "AQAB"}, 'missing "y"'),
            ({"kty": "OKP", "crv": "Ed25519"}, 'missing "x"'),
        ],
    )
    def test_missing_members(self, members, error):
        with pytest.raises(ValueError, match=error):
            module.new_jwk(members)

    @pytest.mark.parametrize(
        "members",
        [
            {"kty": "RSA", "n": "", "e": "AQAB"},
            {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
            {"kty": "RSA", "n": RFC_RSA["n"], "e": "Ag"},
            {"kty": "RSA", "n": "not base64!", "e": "AQAB"},
            {"kty": "RSA", "n": "A" * 5000, "e": "AQAB"},
            {**RFC_EC, "crv": "P-255"},
            {**RFC_EC, "crv": "P-384"},
            {**RFC_EC, "x": RFC_EC["y"]},
            {**RFC_ED, "x": "AQAB"},
            {**RFC_ED, "crv": "X25519"},
        ],
    )
    def test_values_that_make_no_key(self, members):
        key = module.new_jwk(members)
        assert key.key is None
        assert not verify("RS256", signed_text("RS256"), b"", key)

    @pytest.mark.parametrize("members", ["text", 5, None, [1], b"x"])
    def test_it_is_an_object(self, members):
        with pytest.raises(TypeError, match="argument #1 expects an object"):
            module.new_jwk(members)

    @given(
        st.dictionaries(
            st.sampled_from(["kty", "n", "e", "crv", "x", "y"]),
            st.sampled_from(["RSA", "EC", "OKP", "P-256", "Ed25519", "AQAB", RFC_EC["x"]]) | st.text() | st.none() | st.integers(),
        )
    )
    def test_garbage_raises_what_is_declared(self, members):
        try:
            outcome = "key" if module.new_jwk(members).key else "no key"
        except ValueError as error:
            outcome = str(error).split(" ")[0]
        assert outcome in {"key", "no key", "missing", "unknown"}


def test_no_token_goes_without_a_signature():
    sizes = ("256", "384", "512")
    assert sorted([f"{family}{size}" for family in ("HS", "RS", "PS", "ES") for size in sizes] + ["EdDSA"]) == module.ALGORITHMS


@pytest.mark.parametrize(
    ("parts", "texts"),
    [
        (["", "e30"], ["", "{}"]),
        (["e30="], None),
        (["e"], None),
        (["e30\n"], None),
        (["e+0"], None),
        (["_w"], None),
        (["w7_DvA"], ["\u00ff\u00fc"]),
    ],
)
def test_parts_of_tokens(parts, texts):
    assert module.texts(*parts) == texts


def test_secrets_are_compared_in_constant_time(monkeypatch):
    compared = []
    monkeypatch.setattr(hmac, "compare_digest", lambda one, other: compared.append((one, other)) or False)
    text = signed_text("HS256")
    assert not verify("HS256", text, b"guess", "secret")
    assert compared == [(hmac.digest(b"secret", text.encode(), hashlib.sha256), b"guess")]


class TestScript:
    def test_a_token(self, run):
        results = run(
            """(t => [
                t.isValid, { ...t.header }, t.payload.iss,
                t.verify(new Data(secret, 'base64url')), t.verify('x'),
                caught(() => t.verify()), caught(() => t.verify(5)), caught(() => t.verify({})),
                new crypto.JWT(new Data(token)).verify(new Data(secret, 'base64url')),
                (t.header.alg = 'none', t.verify(new Data(secret, 'base64url'))),
                new crypto.JWK(rsa).isValid, new crypto.JWK({ kty: 'EC', crv: 'P-1', x: '', y: '' }).isValid,
                caught(() => new crypto.JWK({ kty: 'oct' })), caught(() => new crypto.JWK('text')), caught(() => new crypto.JWT()),
                t.verify(new crypto.JWK(rsa)),
            ])(new crypto.JWT(token))""",
            token=RFC_HMAC,
            secret=RFC_SECRET,
            rsa=RFC_RSA,
        )
        assert results == [
            True,
            {"typ": "JWT", "alg": "HS256"},
            "joe",
            True,
            False,
            "TypeError: argument #1 expects a string, an instance of Data, or a key",
            "Error: argument #1 expects a string, an instance of Data, or a key",
            "Error: argument #1 expects a string, an instance of Data, or a key",
            True,
            True,
            True,
            False,
            'Error: unknown "kty"',
            "Error: argument #1 expects an object",
            "TypeError: argument #1 expects a string",
            False,
        ]

    def test_what_is_no_token(self, run):
        head, body = encoded({"alg": "HS256"}), encoded(PAYLOAD)
        tokens = [
            "",
            "..",
            "a.b",
            f"{head}.{body}",
            f"{head}.{body}.x.y",
            f"{head}={'.'}{body}.x",
            f"{encoded(b'[]')}.{body}.x",
            f"{encoded(b'null')}.{body}.x",
            f"{encoded([1])}.{body}.x",
            f"{encoded({'alg': 'none'})}.{body}.",
            f"{encoded({'alg': 5})}.{body}.x",
            f"{encoded({})}.{body}.x",
            f"{head}.{encoded(b'5')}.x",
            f"{head}.{encoded(bytes([255]))}.x",
            f"{head}.{encoded(b'{')}.x",
            f" {head}.{body}.x",
            f"{head}.{body}\n.x",
            "\U0001f600.\ud83d.\0",
        ]
        results = run(
            "tokens.map(text => (t => [t.isValid, typeof t.header, typeof t.payload, t.verify('x')])(new crypto.JWT(text)))",
            tokens=tokens,
        )
        assert results == [[False, "undefined", "undefined", False]] * len(tokens)

    def test_critical_extensions_and_damaged_signatures(self, run):
        def token(header, signature=None):
            text = f"{encoded(header)}.{encoded(PAYLOAD)}"
            return f"{text}.{signature or encoded(hmac.digest(b'secret', text.encode(), 'sha256'))}"

        header = {"alg": "HS256"}
        tokens = [token(header), token({**header, "crit": ["b64"], "b64": False}), token(header, "no base64!"), token(header) + "="]
        results = run("tokens.map(text => (t => [t.isValid, t.verify('secret')])(new crypto.JWT(text)))", tokens=tokens)
        assert results == [[True, True], [True, False], [True, False], [True, False]]
