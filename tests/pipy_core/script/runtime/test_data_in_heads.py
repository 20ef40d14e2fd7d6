"""Data among the fields of a head: bytes for Python, Data for scripts, unchanged unless a script changes it."""

import pytest

from pipy_core.events import Data, Head, Message, MessageStart

BYTES = bytes(range(256))


def story(play, function, check, *arguments):
    def run(stage):
        stage.load(main=f"pipy().pipeline('p').call({function})")
        check(stage.call(0, *arguments))

    play(run)


def test_a_script_sees_a_data(play):
    head = Head({"type": "CONNECT", "password": Data(BYTES), "will": {"list": [Data(b""), Data(b"x")]}})

    def check(value):
        assert value == [True, 256, bytes(BYTES).hex(), 0, "x"]

    function = """({ head }) => [
      head.password instanceof Data, head.password.size, head.password.toString('hex'), head.will.list[0].size, `${head.will.list[1]}`]"""
    story(play, function, check, MessageStart(head))


def test_what_a_script_only_reads_is_not_replaced(play):
    class Watched(Head):
        def replace(self, fields):
            raise AssertionError("nothing was changed")

    head = Watched({"a": Data(BYTES), "b": [{"c": Data("é".encode())}]})
    story(play, "({ head }) => head.a.size", lambda size: None, MessageStart(head))


def test_what_a_script_adds_arrives(play):
    head = Head({"password": Data(b"secret"), "other": 1})

    def check(_value):
        assert head.fields == {"password": Data(b"secret"), "other": [Data(b"text"), Data(BYTES), {"in": Data(b"\xffa\xc3\xa9")}]}

    function = """({ head }, all) => void (head.other = [
      new Data('text'), all, { in: new Data([255]).push('a').push(new Data('\\u00e9')) }])"""
    story(play, function, check, MessageStart(head), Data(BYTES))


def test_a_head_made_by_a_script(play):
    def check(value):
        assert value == Message(Head({"type": "PUBLISH", "properties": {"correlationData": Data(BYTES)}}), Data(b"body"))

    story(play, "all => new Message({ type: 'PUBLISH', properties: { correlationData: all } }, 'body')", check, Data(BYTES))


@pytest.mark.parametrize("payload", ["'%%%'", "5", "null", "'YQ'"])
def test_what_only_looks_like_one_stays_what_it_is(play, payload):
    def check(value):
        assert type(value.head.fields["x"]) is dict

    story(play, f"() => new MessageStart({{ x: {{ '\\0': 'Data', payload: {payload} }} }})", check)


def test_scripts_show_it_as_text_as_ever(play):
    def check(value):
        assert value == '{"a":"text","b":null}'

    story(play, "({ head }) => JSON.stringify(head)", check, MessageStart(Head({"a": Data(b"text"), "b": Data(b"\xff")})))


def test_in_other_text_it_is_text():
    assert f"{Data(b'caf' + bytes([0xC3, 0xA9, 255]))}" == "café\ufffd"
