"""The class http.File, in a real isolate."""

import pytest

from pipy_core.errors import ScriptError
from pipy_plugins import json_global
from pipy_plugins.http_file import file
from tests.in_isolate import evaluate

PLUGINS = [file, json_global]


@pytest.fixture
def run(tmp_path, monkeypatch):
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "a.txt").write_text("plain text")
    (tmp_path / "www" / "a.txt.gz").write_bytes(b"gzipped")
    (tmp_path / "www" / "b.bin").write_bytes(b"\xff" * 10)
    (tmp_path / "www" / "c.html.br").write_bytes(b"brotli")
    monkeypatch.chdir(tmp_path)
    return lambda expression: evaluate(tmp_path, PLUGINS, expression)


def test_messages(run):
    assert (
        run("[new http.File('www/a.txt'), http.File.from('/www/a.txt')].map(file => file.toMessage())")
        == [
            {"head": {"headers": {"content-type": "text/plain"}}, "body": "plain text"},
        ]
        * 2
    )
    assert run("http.File.from('www/a.txt').toMessage('deflate, gzip')") == {
        "head": {"headers": {"content-type": "text/plain", "content-encoding": "gzip"}},
        "body": "gzipped",
    }
    assert run("http.File.from('www/c.html').toMessage('gzip')") == {"head": {"status": 400}, "body": None}


def test_it_is_the_same_message_each_time(run):
    assert run(
        """(file => [
            file.toMessage() === file.toMessage(''),
            file.toMessage('gzip') === file.toMessage('x, gzip'),
            file.toMessage() === file.toMessage('gzip'),
            file.toMessage() === file.toMessage(null),
        ])(http.File.from('www/a.txt'))"""
    ) == [True, True, False, True]


def test_what_is_not_there(run):
    assert run("http.File.from('www/none')") is None
    with pytest.raises(ScriptError, match="file not found: www/none"):
        run("new http.File('www/none')")


@pytest.mark.parametrize("call", ["http.File.from(7)", "new http.File()", "http.File.from('www/a.txt').toMessage(7)"])
def test_wrong_arguments(run, call):
    with pytest.raises(ScriptError, match="argument #1 expects a string"):
        run(call)


def test_the_answer_to_a_request(run):
    part = run("http.File.from('www/a.txt').toMessage({ method: 'GET', headers: { range: 'bytes=2-4' } })")
    assert part["body"] == "ain"
    assert part["head"]["status"] == 206
    assert part["head"]["headers"]["content-range"] == "bytes 2-4/10"
    whole = run("http.File.from('www/a.txt').toMessage({ headers: { 'accept-encoding': 'gzip' } })")
    assert (whole["body"], whole["head"]["headers"]["content-encoding"]) == ("gzipped", "gzip")
    head = run("http.File.from('www/a.txt').toMessage({ method: 'HEAD', headers: {} })")
    assert (head["body"], head["head"]["headers"]["content-length"]) == (None, "10")
    assert run("http.File.from('www/a.txt').toMessage({ method: 'PUT' })")["head"]["status"] == 405


def test_odd_heads(run):
    for head in ("{}", "{ headers: null }", "{ method: null, headers: { range: null, 'if-range': [], 'if-match': undefined } }"):
        assert run(f"http.File.from('www/a.txt').toMessage({head})")["body"] == "plain text"
    listed = "{ headers: { 'accept-encoding': ['deflate', 'gzip'] } }"
    assert run(f"http.File.from('www/a.txt').toMessage({listed})")["body"] == "gzipped"


def test_a_part_leaves_the_file_as_it_is(run):
    assert run(
        """(file => [
            file.toMessage({ headers: { range: 'bytes=0-1' } }).body.toString(),
            file.toMessage({ headers: { range: 'bytes=8-' } }).body.toString(),
            file.toMessage().body.toString(),
        ])(http.File.from('www/a.txt'))"""
    ) == ["pl", "xt", "plain text"]


def test_bytes(run):
    assert run("http.File.from('www/b.bin').toMessage().body") == b"\xff" * 10
