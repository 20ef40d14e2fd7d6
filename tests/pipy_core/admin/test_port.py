"""The admin port from the inside: pages, what they are told, and what their mistakes do."""

import ast
import http.client
import socket
import ssl
import threading
from contextlib import closing

import pytest
from gevent.event import Event

from pipy_core.admin.port import MAX_BODY, MAX_WAITING, Admin
from pipy_core.admin.standing import Standing, WorkerStatus
from pipy_core.errors import StartError
from pipy_core.figures import Family
from pipy_core.net.reactor import Reactor
from pipy_core.pages import reply
from pipy_core.plugins import Plugins
from pipy_core.registry import Registry
from pipy_core.script.engine import Engine
from pipy_core.settings import Settings
from tests.system.certificates import authority
from tests.system.pipy_process import PATIENCE, free_port

DEFAULTS = Settings()


@pytest.fixture(scope="module")
def registry():
    registry = Registry()
    Plugins().load(registry)
    return registry


class Program:
    """What the pages tell of: the ``Instance``."""

    def __init__(self):
        self.standing = Standing("0.1", 7, 50.0, workers=[WorkerStatus(1, 7)])

    def figures(self):
        return [Family("pipy_inb_cnt", "gauge", "Inbound connections.", [("", (), 3)], plain=True)]

    def status(self):
        return self.standing.document()


@pytest.fixture
def play(registry):
    """``play(story)``: run *story(admin)* on a reactor; it gives a client, which runs on another thread."""

    def play(story, known=None, settings=DEFAULTS):
        isolate = Engine(registry, 128 << 20, 1.0).isolate
        outcome = {"reports": []}

        def main():
            reactor = Reactor(lambda error, where: outcome["reports"].append((where, repr(error))))
            admin = Admin(reactor, registry if known is None else known, settings, Program())

            def finish():
                admin.abort()
                isolate.finish()

            try:
                client = story(admin)
            except BaseException as error:  # noqa: BLE001  # it is raised again on the test's thread
                outcome["error"] = error
                finish()
                return
            wake = reactor.loop.async_()
            wake.start(reactor.spawn, finish)

            def run():
                try:
                    outcome["result"] = client()
                except BaseException as error:  # noqa: BLE001  # as above
                    outcome["error"] = error
                wake.send()

            outcome["thread"] = threading.Thread(target=run)
            outcome["thread"].start()

        isolate.run(main, lambda: None)
        isolate.dispose()
        if "thread" in outcome:
            outcome["thread"].join()
        if "error" in outcome:
            raise outcome["error"]
        return outcome.get("result"), outcome["reports"]

    return play


def asking(port, *paths, method="GET", body=None, headers=None, context=None):
    """What asks for *paths* one after the other on one connection; gives statuses and bodies."""

    def ask():
        if context is None:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        else:
            connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=PATIENCE, context=context)
        with closing(connection):
            answers = []
            for path in paths:
                connection.request(method, path, body, headers or {})
                response = connection.getresponse()
                answers.append((response.status, response.read()))
            return answers

    return ask


def echo(pages):
    pages.add("/hi", lambda request: reply(200, request.head.fields["path"].encode() + request.body.payload), ["GET", "POST"])


def test_pages_answer(play):
    def story(admin):
        port = free_port()
        admin.open(("127.0.0.1", port), echo)
        return asking(port, "/hi?x", "/nowhere")

    assert play(story) == ([(200, b"/hi?x"), (404, b"")], [])


def test_pages_answer_when_the_process_takes_nobody_in(play):
    """Whoever looks after it must not take that for its end."""

    def story(admin):
        port = free_port()
        admin.open(("127.0.0.1", port), echo)
        admin.reactor.limits.load.memory_short = admin.reactor.limits.load.memory_gone = True
        admin.reactor.admission.look()
        assert admin.reactor.admission.full
        return asking(port, "/hi")

    assert play(story) == ([(200, b"/hi")], [])


def test_bodies(play):
    def story(admin):
        port = free_port()
        admin.open(("127.0.0.1", port), echo)

        def client():
            assert asking(port, "/hi", method="POST", body=b"abc")() == [(200, b"/hiabc")]
            assert asking(port, "/hi", method="POST", body=b"x" * MAX_BODY)()[0][0] == 200
            try:
                return asking(port, "/hi", method="POST", body=b"x" * (MAX_BODY + 1))()[0][0]
            except OSError:  # it may be told while it is still sending
                return 413

        return client

    assert play(story) == (413, [])


def test_pages_may_wait_and_others_go_on(play):
    def story(admin):
        port = free_port()
        gate = Event()

        def waits(_request):
            gate.wait()
            return reply(200, b"waited")

        def opens(_request):
            gate.set()
            return reply(200, b"opened")

        def register(pages):
            pages.add("/waits", waits)
            pages.add("/opens", opens)

        admin.open(("127.0.0.1", port), register)

        def client():
            with socket.create_connection(("127.0.0.1", port), PATIENCE) as waiting:
                waiting.sendall(b"GET /waits HTTP/1.1\r\nHost: localhost\r\n\r\n")
                answers = asking(port, "/opens")()
                return answers, waiting.recv(1000)[-6:]

        return client

    assert play(story) == (([(200, b"opened")], b"waited"), [])


def test_a_client_that_goes_while_its_page_waits(play):
    def story(admin):
        port = free_port()
        gate, begun = Event(), threading.Event()

        def waits(_request):
            begun.set()
            gate.wait()
            return reply(200, b"waited")

        def register(pages):
            pages.add("/waits", waits)
            pages.add("/opens", lambda _request: (gate.set(), reply(200, str(admin.waiting).encode()))[1])

        admin.open(("127.0.0.1", port), register)

        def client():
            with socket.create_connection(("127.0.0.1", port), PATIENCE) as waiting:
                waiting.sendall(b"GET /waits HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert begun.wait(PATIENCE)
            return asking(port, "/opens", "/opens")()

        return client

    answers, reports = play(story)
    assert answers == [(200, b"2"), (200, b"1")]
    assert reports == []


def test_no_more_wait_than_may(play):
    def story(admin):
        port = free_port()
        admin.open(("127.0.0.1", port), echo)
        admin.waiting = MAX_WAITING
        return asking(port, "/hi")

    assert play(story) == ([(503, b"")], [])


def test_a_page_that_fails_is_a_500_and_the_connection_goes_on(play):
    def story(admin):
        port = free_port()

        def register(pages):
            pages.add("/broken", lambda _request: 1 / 0)
            pages.add("/hi", lambda _request: reply(200, b"hi"))

        admin.open(("127.0.0.1", port), register)
        return asking(port, "/broken", "/hi")

    answers, reports = play(story)
    assert answers == [(500, b""), (200, b"hi")]
    assert reports == [("Admin Service", "ZeroDivisionError('division by zero')")]


def test_a_plugin_that_fails_to_offer_its_pages_leaves_the_others(play):
    def story(admin):
        port = free_port()

        def register(pages):
            pages.add("/hi", lambda _request: reply(200, b"hi"))
            raise ZeroDivisionError

        admin.open(("127.0.0.1", port), register)
        return asking(port, "/hi")

    answers, reports = play(story)
    assert answers == [(200, b"hi")]
    assert reports == [("plugin", "ZeroDivisionError()")]


def test_it_needs_something_that_speaks_http(play):
    def story(admin):
        admin.open(("127.0.0.1", free_port()), lambda pages: None)

    with pytest.raises(StartError, match="demuxHTTP"):
        play(story, Registry())


def test_tokens(play):
    def story(admin):
        port = free_port()
        admin.open(("127.0.0.1", port), echo)

        def client():
            good = {"Authorization": "Bearer secret"}
            return asking(port, "/hi", "/nowhere")(), asking(port, "/hi", headers=good)()

        return client

    denied = (401, b"a token is required\n")
    assert play(story, settings=Settings(admin_token="secret")) == (([denied, denied], [(200, b"/hi")]), [])


def test_tls_with_client_certificates(play, tmp_path):
    ours = authority("ours")
    ours.issue("localhost", ["127.0.0.1"]).write(tmp_path, "server")
    ours.issue("client").write(tmp_path, "client")
    authority("others").issue("client").write(tmp_path, "stranger")
    (tmp_path / "ca.pem").write_text(ours.pem)
    settings = Settings(
        admin_tls_cert=str(tmp_path / "server-cert.pem"),
        admin_tls_key=str(tmp_path / "server-key.pem"),
        admin_tls_trusted=str(tmp_path / "ca.pem"),
    )

    def context(name):
        made = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
        if name:
            made.load_cert_chain(tmp_path / f"{name}-cert.pem", tmp_path / f"{name}-key.pem")
        return made

    def story(admin):
        port = free_port()
        admin.open(("127.0.0.1", port), echo)

        def client():
            for name in ("", "stranger"):
                with pytest.raises(OSError):  # noqa: PT011  # TLS 1.3 tells it in one of several ways
                    asking(port, "/hi", context=context(name))()
            return asking(port, "/hi", context=context("client"))()

        return client

    assert play(story, settings=settings)[0] == [(200, b"/hi")]


def test_figures_are_those_of_the_program_and_its_own(play):
    def story(admin):
        port = free_port()
        admin.open(("127.0.0.1", port), lambda pages: pages.add("/", lambda _request: reply(200, repr(numbers(admin)).encode())))
        return asking(port, "/", "/")

    answers, _ = play(story)
    found = ast.literal_eval(answers[1][1].decode())
    assert found["pipy_inb_cnt", ()] == 4
    assert found["pipy_inb_cnt", (("listen", "Admin Service"),)] == 1
    assert found["pipy_connections_open", (("listener", "admin"),)] == 1
    assert found["pipy_http_requests_total", (("listener", "admin"), ("code", "2xx"))] == 1


def numbers(admin):
    return {(each.name, labels): value for each in admin.figures() for suffix, labels, value in each.samples if not suffix}


def test_figures_before_it_is_open(play):
    def story(admin):
        assert numbers(admin)["pipy_inb_cnt", ()] == 3
        admin.abort()  # nothing is open
        return lambda: None

    play(story)


def test_what_nobody_does_here(play):
    def story(admin):
        for wrong in (
            lambda: admin.connect(("h", 1), {}, None),
            lambda: admin.spawn([], {}, None, None),
            lambda: admin.fork_contexts(None, "", None),
            lambda: admin.call(None, None, ()),
        ):
            with pytest.raises(NotImplementedError):
                wrong()
        context = object()
        assert admin.clone_context(context) is context
        return lambda: None

    play(story)
