"""JSON Web Tokens: what is signed is verified; whatever else a client sends is not valid, or not verified, and raises nothing."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from typing import Any

from hypothesis import strategies as st

from contrib.fuzz.properties import Property
from contrib.fuzz.scripts import Script
from pipy_plugins.crypto import jwt

SECRET = b"a secret that nobody knows"
SCRIPT = Script(
    [jwt],
    verify=f"""token => {{
        const jwt = new crypto.JWT(token);
        return jwt.isValid + " " + jwt.verify({SECRET.decode()!r}) + " " + JSON.stringify(jwt.payload ?? null);
    }}""",
    read="""text => {
        try { return String(new crypto.JWK(JSON.parse(text)).isValid) } catch (error) { return error.message }
    }""",
)
_HASHES = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}

PAYLOADS = st.dictionaries(
    st.text("abc\u00e9", max_size=3), st.integers(-9, 9) | st.text("x\U0001f600", max_size=3) | st.none(), max_size=3
)
MEMBERS = st.text("AQ_-x=", max_size=8) | st.integers(0, 3) | st.none() | st.sampled_from(["RSA", "EC", "OKP", "P-256", "Ed25519"])
KEYS = st.dictionaries(st.sampled_from(["kty", "n", "e", "crv", "x", "y"]), MEMBERS)


def encoded(content: bytes) -> str:
    """base64url."""
    return urlsafe_b64encode(content).decode().rstrip("=")


def token(algorithm: str, payload: dict[str, Any]) -> str:
    """A token signed with the secret."""
    signed = f"{encoded(json.dumps({'alg': algorithm}).encode())}.{encoded(json.dumps(payload).encode())}"
    return f"{signed}.{encoded(hmac.digest(SECRET, signed.encode(), _HASHES[algorithm]))}"


TOKENS = st.builds(token, st.sampled_from(sorted(_HASHES)), PAYLOADS)


def _is_verified(example: tuple[str, dict[str, Any]]) -> None:
    algorithm, payload = example
    valid, verified, shown = SCRIPT("verify", token(algorithm, payload)).split(" ", 2)
    assert (valid, verified) == ("true", "true")
    assert json.loads(shown) == payload


def _is_not(example: tuple[str, int, str]) -> None:
    genuine, place, text = example
    at = place % (len(genuine) + 1)
    changed = genuine[:at] + text + genuine[at + len(text) :]
    if changed != genuine:
        assert SCRIPT("verify", changed).split(" ")[1] == "false"


def _is_none(text: str) -> None:
    assert SCRIPT("verify", text).split(" ")[1] == "false"


def _is_a_key_or_not(members: Any) -> None:
    answer = SCRIPT("read", json.dumps(members))
    assert answer in {"true", "false", "argument #1 expects an object"} or answer.startswith(("missing ", "unknown "))


around = SCRIPT.run

PROPERTIES = [
    Property("is verified", st.tuples(st.sampled_from(sorted(_HASHES)), PAYLOADS), _is_verified),
    Property("changed", st.tuples(TOKENS, st.integers(0, 300), st.text("AQ.=x", min_size=1, max_size=3)), _is_not),
    Property("anything", st.text("eyJhbGciOiJIUzI1NiJ9.e30", max_size=60) | st.text(max_size=20), _is_none),
    Property("keys", KEYS | st.none() | st.text(max_size=3), _is_a_key_or_not),
]
