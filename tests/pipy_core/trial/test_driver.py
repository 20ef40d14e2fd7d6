"""Driving a script from Python, with the fixture ``pipy_script``."""

import math
import threading
from datetime import UTC, datetime

import pytest

from pipy_core.api import END, Data, Head, Message, MessageStart
from pipy_core.errors import LoadError, ScriptError
from pipy_core.trial.lookup import NotThere
from pipy_core.trial.messages import Response
from pipy_core.trial.pending import NoResponse
from pipy_core.trial.runner import run_texts
from pipy_core.trial.streams import NotOpen

PROXY = """
pipy({ _target: 'localhost:8080', _count: 0 })
  .listen(8000)
  .demuxHTTP('request')
  .pipeline('request')
  .handleMessageStart(() => _count++)
  .muxHTTP('upstream', () => _target)
  .pipeline('upstream')
  .connect(() => _target)
"""


@pytest.fixture
def proxy(pipy_script):
    return pipy_script(text=PROXY)


def test_a_request(proxy):
    up = proxy.upstream("localhost:8080", lambda request: Response(201, {"x-a": "1"}, f"{request.method} {request.text}"))
    response = proxy.port(8000).request("POST", "/p?q", {"accept": "text/*"}, "body")
    assert (response.status, response.headers["x-a"], response.text) == (201, "1", "POST body")
    (request,) = up.requests
    assert (request.method, request.path, request.headers["accept"], request.body) == ("POST", "/p?q", "text/*", b"body")
    assert up.connections == 1
    assert up.received.startswith(b"POST /p?q HTTP/1.1\r\n")


@pytest.mark.parametrize(("answer", "status", "body"), [("t", 200, b"t"), (b"\xff", 200, b"\xff"), (Response(404), 404, b"")])
def test_constant_answers(proxy, answer, status, body):
    proxy.upstream("localhost:8080", answer)
    response = proxy.port().request()
    assert (response.status, response.body) == (status, body)


def test_json(proxy):
    proxy.upstream("localhost:8080", lambda request: Response(body=str(request.json()["n"] + 1)))
    assert proxy.port().request("POST", body='{"n": 1}').json() == 2


def test_one_connection(proxy):
    proxy.upstream("localhost:8080", "ok")
    client = proxy.port(8000).open(remoteAddress="10.0.0.1")
    assert [client.request(path=path).status for path in ("/a", "/b")] == [200, 200]
    assert not client.closed
    client.send("nonsense\r\n\r\n")
    assert b"400 Bad Request" in client.received
    assert client.closed
    with pytest.raises(NotOpen):
        client.send("x")


def test_bytes(pipy_script):
    script = pipy_script(text="pipy().listen(1).connect('a:1', { readTimeout: 5 })")
    up = script.upstream("a:1", lambda content: content.upper(), tcp=True, greeting="hello ")
    client = script.port().open()
    client.send("x")
    up.send("!")
    assert client.received == b"hello X!"
    up.close()
    assert client.closed
    other = script.port().open()
    other.send("y")
    up.reset()
    assert other.error == "ReadError"
    third = script.port().open()
    third.send("z")
    third.end()
    assert third.closed
    fourth = script.port().open()
    fourth.send("z")
    fourth.abort()
    assert fourth.closed


def test_a_port_of_the_script_itself(pipy_script):
    script = pipy_script(text="pipy().listen(1).connect('a:2').listen(2).replaceData(d => new Data('<' + d.toString() + '>'))")
    script.upstream("a:2", script.port(2))
    client = script.port(1).open()
    client.send("x")
    assert client.received == b"<x>"


@pytest.mark.parametrize(
    ("manner", "error"),
    [
        ({"refuse": True}, "ConnectionRefused"),
        ({"refuse": "CannotResolve"}, "CannotResolve"),
        ({"connect_delay": math.inf}, "ConnectionTimeout"),
    ],
)
def test_upstreams_that_do_not_work(pipy_script, manner, error):
    script = pipy_script(text="pipy().listen(1).connect('a:1', { connectTimeout: 1 })")
    script.upstream("a:1", tcp=True, **manner)
    client = script.port().open()
    client.send("x")
    script.advance(1)
    assert client.error == error


def test_answers_that_take_time(proxy):
    proxy.upstream("localhost:8080", "late", delay=3)
    pending = proxy.port(8000).begin("GET", "/slow")
    assert not pending.done
    with pytest.raises(NoResponse, match=r"GET /slow: there is no response yet; the next timer goes off in 3 s: advance\(3\)"):
        pending.response()
    proxy.advance(3)
    assert pending.done
    assert pending.response().text == "late"
    with pytest.raises(NoResponse):
        proxy.port(8000).open().request()


def test_a_connection_that_ends_without_a_response(pipy_script):
    script = pipy_script(text="pipy().listen(1).replaceStreamStart(() => new StreamEnd())")
    with pytest.raises(NoResponse, match="the connection was closed without a response"):
        script.port().request()


def test_an_unknown_upstream(proxy):
    with pytest.raises(AssertionError, match="the script connects to localhost:8080, an upstream that the test does not describe"):
        proxy.port(8000).request()


def test_a_function_that_fails(proxy):
    def answer(_request):
        raise ZeroDivisionError

    proxy.upstream("localhost:8080", answer)
    with pytest.raises(ZeroDivisionError):
        proxy.port(8000).request()


def test_a_function_that_drives(proxy):
    proxy.upstream("localhost:8080", lambda _: proxy.advance(1))
    with pytest.raises(RuntimeError, match="cannot drive the script"):
        proxy.port(8000).request()


def test_an_answer_that_is_none(proxy):
    proxy.upstream("localhost:8080", lambda _: 5)
    with pytest.raises(TypeError, match="an upstream answers with"):
        proxy.port(8000).request()


def test_wrong_manners(proxy):
    with pytest.raises(TypeError, match="delay is a number"):
        proxy.upstream("localhost:8080", delay=-1)


def test_pipelines(pipy_script):
    script = pipy_script(
        text="pipy({ _n: 0, _all: [] }).pipeline('p').handleData(() => _n++).handleMessageStart(m => m.head.seen = true)"
    )
    stream = script.pipeline("p", {"_n": 5})
    stream.send(MessageStart(Head({"a": 1})), "text", b"bytes", END)
    assert stream.output == [MessageStart(Head({"a": 1, "seen": True})), Data(b"text"), Data(b"bytes"), END]
    assert stream.variable("_n") == 7
    assert stream.take() == stream.output
    stream.send(Message(Head({}), Data(b"x")))
    assert len(stream.take()) == 3
    assert [message.body for message in stream.messages] == [Data(b"textbytes"), Data(b"x")]
    stream.end()
    assert stream.closed
    assert stream.error == ""
    with pytest.raises(NotThere, match="has no pipeline 'q'"):
        script.pipeline("q")
    with pytest.raises(ScriptError, match="no variable _x"):
        script.pipeline("p", {"_x": 1})
    with pytest.raises(TypeError, match="expected events"):
        stream.send(5)


def test_another_module(pipy_script):
    script = pipy_script(
        text="pipy().listen(1).use('a.js', 'in')",
        files={"a.js": "pipy().pipeline('in').replaceData(() => new Data(__inbound.remoteAddress))"},
    )
    stream = script.pipeline("in", module="a.js", remoteAddress="10.0.0.9")
    stream.send("x")
    assert stream.output == [Data(b"10.0.0.9")]


def test_time_and_tasks(pipy_script):
    script = pipy_script(
        text="pipy().task('5s').handleMessageStart(() => console.log(Date.now())).replaceMessage(() => new StreamEnd)"
    )
    script.task().run()
    script.task("5s").start()
    script.advance(5)
    assert [line.removeprefix("[INF] ") for line in script.log if "[INF]" in line] == ["1735689600000"] * 2 + ["1735689605000"]


@pytest.mark.parametrize("date", [datetime(2030, 1, 1, tzinfo=UTC), 1893456000])
def test_the_date(pipy_script, date):
    script = pipy_script(text="pipy().listen(1).serveHTTP(() => new Message('' + new Date().toISOString()))")
    script.set_date(date)
    script.advance(1)
    assert script.port().request().text == "2030-01-01T00:00:01.000Z"


def test_exit(pipy_script):
    script = pipy_script(text="pipy().listen(1).handleData(() => pipy.exit(3))")
    script.port().open().send("x")
    assert script.trial.exit_code == 3


def test_programs(pipy_script):
    script = pipy_script(text="pipy().listen(1).exec('sort -r')")
    runs = script.program("sort -r", lambda content: bytes(reversed(content)))
    client = script.port().open()
    client.send("abc")
    client.end()
    assert client.received == b"cba"
    assert [(run.arguments, run.input) for run in runs.runs] == [(["sort", "-r"], b"abc")]


def test_files(pipy_script):
    script = pipy_script(
        text="((c) => pipy().listen(c.port).dummy())(JSON.decode(pipy.load('c.json')))", files={"c.json": '{"port": 9}'}
    )
    script.port(9).open()


def test_a_script_that_cannot_be_loaded(pipy_script):
    script = pipy_script(text="pipy().listen(1).link('nowhere')")
    with pytest.raises(LoadError, match="pipeline not found: nowhere") as caught:
        script.load()
    assert "in /example.js at line 1" in caught.value.__notes__[0]


def test_a_script_that_is_not_there(pipy_script):
    with pytest.raises(FileNotFoundError, match=r"there is no script .*/nowhere\.js"):
        pipy_script("nowhere.js")


def test_expected_failures(pipy_script):
    script = pipy_script(text="pipy().listen(1).serveHTTP(() => nothing)")
    assert script.port().request().status == 500
    with pytest.raises(AssertionError, match="the script failed, and no logged"):
        script.check()
    assert script.logged("ReferenceError") == 1
    script.check()
    with pytest.raises(AssertionError, match="'zzz' was not logged"):
        script.logged("zzz")


def test_scripts_of_one_test_do_not_know_each_other(pipy_script):
    text = "((n) => pipy().listen(1).serveHTTP(() => new Message('' + n++)))(0)"
    one, two = pipy_script(text=text), pipy_script(text=text)
    assert [script.port().request().text for script in (one, one, two)] == ["0", "1", "0"]


def test_one_isolate_at_a_time(pipy_script, registry):
    pipy_script(text=PROXY)
    with pytest.raises(RuntimeError, match="one isolate at a time"):
        run_texts(registry, PROXY, "")


def test_the_thread_ends_with_the_module(pipy_bench):
    assert [thread.name for thread in threading.enumerate()].count("pipy-test") == 1
