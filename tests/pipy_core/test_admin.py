"""The admin port from the inside: pages, what they are told, and what their mistakes do."""

import http.client
import threading

import pytest

from pipy_core.admin import Admin
from pipy_core.errors import StartError
from pipy_core.events import Head, Message
from pipy_core.net.ports import Ports
from pipy_core.net.reactor import Reactor
from pipy_core.pages import reply
from pipy_core.plugins import Plugins
from pipy_core.registry import Registry
from pipy_core.script.engine import Engine
from tests.system.pipy_process import PATIENCE, free_port


@pytest.fixture(scope="module")
def registry():
    registry = Registry()
    Plugins().load(registry)
    return registry


@pytest.fixture
def play(registry):
    """``play(story)``: run *story(admin, port, ask)* on a reactor; *ask(path)* is a request from another thread."""

    def play(story, known=None):
        engine = Engine(registry, 128 << 20, 1.0)
        outcome = {"reports": []}

        def main():
            reactor = Reactor(lambda error, where: outcome["reports"].append((where, repr(error))))
            admin = Admin(reactor, registry if known is None else known, Ports(reactor, reuse_port=False), engine, lambda: None)

            def finish():
                admin.abort()
                engine.isolate.finish()

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

        engine.isolate.run(main, lambda: None)
        engine.isolate.dispose()
        if "thread" in outcome:
            outcome["thread"].join()
        if "error" in outcome:
            raise outcome["error"]
        return outcome.get("result"), outcome["reports"]

    return play


def asking(port, *paths, method="GET"):
    """What asks for *paths* one after the other on one connection; gives statuses and bodies."""

    def ask():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        answers = []
        for path in paths:
            connection.request(method, path)
            response = connection.getresponse()
            answers.append((response.status, response.read()))
        connection.close()
        return answers

    return ask


def test_pages_answer(play):
    def story(admin):
        port = free_port()
        admin.open(
            ("127.0.0.1", port), lambda pages: pages.add("/hi", lambda request: reply(200, request.head.fields["path"].encode()))
        )
        return asking(port, "/hi?x", "/nowhere")

    assert play(story) == ([(200, b"/hi?x"), (404, b"")], [])


def test_a_page_that_fails_is_a_500_and_the_connection_goes_on(play):
    def story(admin):
        port = free_port()

        def register(pages):
            pages.add("/broken", lambda _request: 1 / 0)
            pages.add("/asks", lambda _request: pages.instance.ask("nobody"))
            pages.add("/hi", lambda _request: reply(200, b"hi"))

        admin.open(("127.0.0.1", port), register)
        return asking(port, "/broken", "/asks", "/hi")

    answers, reports = play(story)
    assert answers == [(500, b""), (500, b""), (200, b"hi")]
    assert reports[0] == ("Admin Service", "ZeroDivisionError('division by zero')")
    assert len(reports) == 2


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

    with pytest.raises(StartError, match="serveHTTP"):
        play(story, Registry())


def test_figures_of_nothing(play):
    def story(admin):
        names = {family.name: family.samples for family in admin.figures()}
        assert names["pipy_inb_cnt"] == [("", [], "0")]
        assert names["pipy_out_cnt"] == [("", [], "0")]
        assert names["pipy_ppl_cnt"] == [("", [], "0")]
        assert {labels[0][1] for _, labels, _ in names["pipy_chk_size"] if labels} == {"Inbound", "Outbound", "Script"}
        assert {labels[0][1] for _, labels, _ in names["pipy_obj_cnt"] if labels} == {"contexts", "heads", "programs"}
        admin.close()  # nothing is open
        return lambda: None

    play(story)


def test_what_nobody_does_here(play):
    def story(admin):
        for wrong in (
            lambda: admin.connect(("h", 1), {}, None),
            lambda: admin.spawn([], {}, None, None),
            lambda: admin.fork_contexts(None, "", None),
        ):
            with pytest.raises(NotImplementedError):
                wrong()
        context = object()
        assert admin.clone_context(context) is context
        assert admin.call(context, None, (Message(Head({"path": "/"})),)).head.fields["status"] == 404
        return lambda: None

    play(story)
