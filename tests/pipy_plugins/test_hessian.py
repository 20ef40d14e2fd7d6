"""Hessian, by the examples of its specification and of Java's way to write it."""

import pytest
from hypothesis import given

from contrib.fuzz import hessian as fuzz
from pipy_core.api import Data


@pytest.fixture(scope="module")
def decoded():
    """What ``show`` makes of many values given in hex: one isolate for all tests of a table."""

    def run(*contents):
        shown = []
        fuzz.SCRIPT.run(lambda: shown.extend(fuzz.SCRIPT("show", Data(bytes.fromhex(content))) for content in contents))
        return shown

    return run


#: From the specification: bytes, and the value as ``fuzz.SHOW`` shows it.
VALUES = {
    "null": [("4e", "null")],
    "boolean": [("54", "true"), ("46", "false")],
    "int": [
        ("90", "0"), ("80", "-16"), ("bf", "47"), ("c800", "0"), ("c000", "-2048"), ("c700", "-256"), ("cfff", "2047"),
        ("d40000", "0"), ("d00000", "-262144"), ("d7ffff", "262143"), ("4900000000", "0"), ("490000012c", "300"), ("49ffffffff", "-1"),
    ],
    "long": [
        ("e0", "0"), ("d8", "-8"), ("ef", "15"), ("f800", "0"), ("f000", "-2048"), ("f700", "-256"), ("ffff", "2047"), ("3c0000", "0"),
        ("380000", "-262144"), ("3fffff", "262143"), ("5900000000", "0"), ("590000012c", "300"), ("4c000000000000012c", "300"),
        ("4c001fffffffffffff", "9007199254740991"), ("4c0020000000000000", "9007199254740992n"),
        ("4c7fffffffffffffff", "9223372036854775807n"), ("4c8000000000000000", "-9223372036854775808n"),
    ],
    "double": [
        ("5b", "0"), ("5c", "1"), ("5d00", "0"), ("5d80", "-128"), ("5d7f", "127"), ("5e0000", "0"), ("5e8000", "-32768"),
        ("5e7fff", "32767"), ("5f00002fda", "12.25"), ("444028800000000000", "12.25"), ("447ff0000000000000", "Infinity"),
    ],
    "date": [("4a000000d04b9284b8", "Date 894621091000"), ("4b00e3838f", "Date 894621060000")],
    "string": [
        ("00", '""'), ("0568656c6c6f", '"hello"'), ("01c383", '"Ã"'), ("530005" + "68656c6c6f", '"hello"'), ("3001" + "61", '"a"'),
        ("52000161520001620163", '"abc"'), ("02eda0bdedb880", '"😀"'), ("02f09f9880", '"😀"'), ("03e282ac6162", '"€ab"'),
    ],
    "binary": [
        ("20", "Data "), ("23010203", "Data 010203"), ("34010f", "Data 0f"), ("420002ffff", "Data ffff"),
        ("410001aa410001bb21cc", "Data aabbcc"),
    ],
    "list": [
        ("5790915a", "[0,1]"), ("5892" + "9091", "[0,1]"), ("7a9091", "[0,1]"), ("78", "[]"), ("575a", "[]"),
        ("72045b696e749091", "[0,1]"), ("56045b696e74929091", "[0,1]"), ("55045b696e7490915a", "[0,1]"),
        ("7a72045b696e7490917190" + "90", "[[0,1],[0]]"),
    ],
    "map": [
        ("4891036665655a", '{"1":"fee"}'),
        ("4d13636f6d2e63617563686f2e746573742e436172" + "056d6f64656c0662656574" + "6c655a", '{"model":"beetle"}'),
        ("4809" + "5f5f70726f746f5f5f" + "915a", '{"__proto__":1}'),
        ("485a", "{}"),
    ],
    "object": [
        ("4303" + "436172" + "9205636f6c6f72056d6f64656c" + "6003726564" + "0161" + "4f90" + "0567726565" + "6e0162",
         '[{"color":"red","model":"a"},{"color":"green","model":"b"}]'),
        ("43016190" + "60", "{}"),
    ],
    "reference": [("7a" + "79" + "90" + "5191", "[[0],[0]]"), ("7a485a5191", "[{},{}]")],
    "several": [("9091", "[0,1]"), ("", "undefined"), ("43016190", "undefined"), ("4e4e", "[null,null]")],
}  # fmt: skip


@pytest.mark.parametrize("kind", VALUES)
def test_decode(decoded, kind):
    assert decoded(*(content for content, _ in VALUES[kind])) == [shown for _, shown in VALUES[kind]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("40", "unrecognized bytecode 0x40"),
        ("5a", "unrecognized bytecode 0x5a"),
        ("45", "unrecognized bytecode 0x45"),
        ("49000000", "ends within a value"),
        ("0568656c6c", "ends within a value"),
        ("57", "ends within a value"),
        ("4890", "ends within a value"),
        ("58497fffffff", "ends within a value"),
        ("530005", "ends within a value"),
        ("43016149" + "7fffffff", "ends within a value"),
        ("60", "there is no such class"),
        ("5190", "there is no such reference"),
        ("7190", "there is no such type"),
        ("5801614e", "what should be a length is none"),
        ("58" + "8f", "what should be a length is none"),
        ("439090", "what should be a name is none"),
        ("01ff", "a string is malformed"),
        ("01c3c3", "a string is malformed"),
        ("01f4bfbfbf", "a string is malformed"),
        ("52000161" + "90", "a string does not end"),
        ("41000161" + "90", "a binary value does not end"),
        ("79" * 256 + "90", "nested too deeply"),
        ("56" * 5000, "nested too deeply"),
    ],
)
def test_what_is_malformed_is_an_error(decoded, content, message):
    [shown] = decoded(content)
    assert shown.startswith("Error: ")
    assert message in shown


def test_the_number_of_values_is_limited(decoded):
    """A byte may become an object: the memory of all scripts would be gone."""
    [shown] = decoded("57" + "78" * 1_000_001 + "5a")
    assert shown == "Error: there are too many values"


def test_a_value_by_reference_is_the_same_object():
    script = fuzz.Script(
        [fuzz.hessian],
        same="data => (list => list[0] === list[1] && list[2][0] === list[2])(Hessian.decode(data))",
        again="data => Hessian.encode([Hessian.decode(data)]).toString('hex')",
    )
    seen = []
    content = Data(bytes.fromhex("7b" + "485a" + "5191" + "79" + "5192"))
    script.run(lambda: seen.extend((script("same", content), script("again", content))))
    assert seen == [True, "57" + "485a" + "514900000001" + "57" + "514900000002" + "5a" + "5a"]


@pytest.mark.parametrize(
    ("expression", "encoded"),
    [
        ("null", "4e"),
        ("undefined", "4e"),
        ("() => 1", "4e"),
        ("true", "54"),
        ("5", "4900000005"),
        ("-1", "49ffffffff"),
        ("2147483648", "4c0000000080000000"),
        ("-2147483649", "4cffffffff7fffffff"),
        ("1.5", "443ff8000000000000"),
        ("1e300", "447e37e43c8800759c"),
        ("NaN", "447ff8000000000000"),
        ("2n ** 63n - 1n", "4c7fffffffffffffff"),
        ("'hello'", "0568656c6c6f"),
        ("'é€'", "02c3a9e282ac"),
        ("'😀'", "02eda0bdedb880"),
        ("'a'.repeat(31)", "1f" + "61" * 31),
        ("'a'.repeat(32)", "3020" + "61" * 32),
        ("'a'.repeat(1023)", "33ff" + "61" * 1023),
        ("'a'.repeat(1024)", "530400" + "61" * 1024),
        ("'a'.repeat(65535)", "53ffff" + "61" * 65535),
        ("'a'.repeat(65536)", "528000" + "61" * 32768 + "538000" + "61" * 32768),
        ("[1, 'a']", "49000000010161"),
        ("[]", ""),
        ("[[1], []]", "5749000000015a575a"),
        ("{ list: [1] }", "48046c6973745749000000015a5a"),
        ("{}", "485a"),
        ("new Date(894621091000)", "4a000000d04b9284b8"),
        ("new Date(NaN)", "4e"),
        ("new Data([1, 255])", "42000201ff"),
        ("new Data('ab'.repeat(40000))", "418000" + "6162" * 16384 + "42b880" + "6162" * 23616),
        ("(o => (o.self = o, o))({})", "480473656c665149000000005a"),
        ("(x => [x, x])([])", "575a514900000000"),
    ],
)
def test_encode(expression, encoded):
    script = fuzz.Script([fuzz.hessian], encode=f"() => Hessian.encode({expression}).toString('hex')")
    seen = []
    script.run(lambda: seen.append(script("encode")))
    assert seen == [encoded]


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("Hessian.encode(2n ** 63n)", "a BigInt has more than 64 bits"),
        ("Hessian.encode((f => f(f, 257))((f, n) => (n ? { n: f(f, n - 1) } : 1)))", "values are nested too deeply"),
        ("Hessian.decode('x')", "argument #1 expects an instance of Data"),
    ],
)
def test_errors(expression, message):
    script = fuzz.Script([fuzz.hessian], run=f"() => {{ try {{ {expression} }} catch (error) {{ return error.message }} }}")
    seen = []
    script.run(lambda: seen.append(script("run")))
    assert seen == [message]


def test_nothing_is_null():
    script = fuzz.Script([fuzz.hessian], run="() => [Hessian.decode(null), Hessian.decode(undefined)].map(x => x === null).join()")
    seen = []
    script.run(lambda: seen.append(script("run")))
    assert seen == ["true,true"]


@pytest.mark.parametrize("each", fuzz.PROPERTIES, ids=lambda each: each.name)
def test_properties(each):
    fuzz.around(given(each.examples)(each.check))
