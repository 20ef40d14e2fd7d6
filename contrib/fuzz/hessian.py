"""Hessian: what is encoded is decoded again; whatever the bytes are, there is a value or an error that a script can catch."""

import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from contrib.fuzz.properties import Property, damaged
from contrib.fuzz.scripts import Script
from pipy_core.api import Data
from pipy_plugins import hessian

#: What the functions give is compared with this: the text of a value, such as scripts can tell them apart.
SHOW = """(function show(value) {
    if (value === undefined) return "undefined";
    if (typeof value === "bigint") return `${value}n`;
    if (typeof value === "number") return Object.is(value, -0) ? "0" : String(value);
    if (value instanceof Date) return `Date ${value.getTime()}`;
    if (value instanceof Data) return `Data ${value.toString("hex")}`;
    if (Array.isArray(value)) return `[${value.map(show).join()}]`;
    if (value !== null && typeof value === "object")
      return `{${Object.keys(value).map((key) => `${JSON.stringify(key)}:${show(value[key])}`).join()}}`;
    return JSON.stringify(value);
  })
"""

_PLAIN = """(function build([kind, value]) {
    if (kind === "list") return value.map(build);
    if (kind === "map") return Object.fromEntries(value.map(([key, member]) => [key, build(member)]));
    if (kind === "bigint") return BigInt(value);
    if (kind === "date") return new Date(value);
    if (kind === "data") return new Data(value, "hex");
    return value;
  })
"""

SCRIPT = Script(
    [hessian],
    comes_back=f"""text => (value => {SHOW}(Hessian.decode(Hessian.encode({{value}}))) === {SHOW}({{value}}))
        ({_PLAIN}(JSON.parse(text)))""",
    decode="""data => {
        try {
            const value = Hessian.decode(data);
            const again = Hessian.encode(value);
            return again.size >= 0;
        } catch (error) {
            return error.constructor === Error ? true : String(error);
        }
    }""",
    show=f"data => {{ try {{ return {SHOW}(Hessian.decode(data)) }} catch (error) {{ return String(error) }} }}",
    encode=f"text => Hessian.encode({_PLAIN}(JSON.parse(text)))",
)

_SCALARS = st.one_of(
    st.just(["plain", None]),
    st.booleans().map(lambda value: ["plain", value]),
    st.integers(-(2**53) + 1, 2**53 - 1).map(lambda value: ["plain", value]),
    st.floats(allow_nan=False, allow_infinity=False).map(lambda value: ["plain", value]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40).map(lambda value: ["plain", value]),
    st.integers(2**53, 2**63 - 1).map(lambda value: ["bigint", str(value)]),
    st.integers(-(8 * 10**15), 8 * 10**15).map(lambda value: ["date", value]),
    st.binary(max_size=20).map(lambda value: ["data", value.hex()]),
)
_KEYS = st.text(st.characters(exclude_categories=["Cs"]), max_size=4) | st.just("__proto__")
VALUES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda value: ["list", value])
        | st.dictionaries(_KEYS, inner, max_size=3).map(lambda value: ["map", list(value.items())])
    ),
    max_leaves=8,
)


def _comes_back(value: Any) -> None:
    assert SCRIPT("comes_back", json.dumps(value)) is True


def _is_caught(content: bytes) -> None:
    assert SCRIPT("decode", Data(content)) is True


#: Bytes that mean something: each can begin a value.
_CODES = st.lists(
    st.one_of(
        st.binary(min_size=1, max_size=1),
        st.sampled_from(
            [b"\x57", b"\x58", b"\x78", b"\x79", b"H", b"M", b"V", b"U", b"Z", b"C", b"O", b"Q", b"R", b"S", b"\x90", b"\x91"]
        ),
        st.sampled_from([b"\x01a", b"C\x01c\x91\x01f", b"\x60\x90", b"Q\x90", b"I\x00\x00\x00\x02", b"J" + bytes(8), b"\x51\x91"]),
    ),
    max_size=40,
).map(b"".join)

around: Callable[[Callable[[], None]], None] = SCRIPT.run

PROPERTIES = [
    Property("comes back", VALUES, _comes_back),
    Property("codes", _CODES, _is_caught),
    Property("damaged", damaged(_CODES) | st.binary(max_size=60), _is_caught),
]
