"""Pages of the admin port: which page answers."""

import pytest

from pipy_core.errors import PluginError
from pipy_core.events import Data, Head, Message
from pipy_core.pages import Pages, reply


class Nobody:
    def figures(self):
        return []

    def status(self):
        return {}


def page(name):
    return lambda request: reply(200, name.encode() + (request.body.payload if request.body else b""), "text/plain")


@pytest.fixture
def pages():
    pages = Pages(Nobody())
    pages.add("/a", page("a"))
    pages.add("/a", page("posted "), ["POST"])
    pages.add("/api/", page("api"))
    pages.add("/api/v1/", page("v1"))
    pages.add("/api/v1/log", page("log"))
    return pages


def ask(pages, path, method="GET", body=None):
    answer = pages.answer(Message(Head({"method": method, "path": path}), body))
    return answer.head.fields["status"], answer.body.payload


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/a", (200, b"a")),
        ("/a?b=/c", (200, b"a")),
        ("/a/", (404, b"")),
        ("/", (404, b"")),
        ("", (404, b"")),
        ("*", (404, b"")),
        ("/api", (404, b"")),
        ("/api/", (200, b"api")),
        ("/api/x", (200, b"api")),
        ("/api/x/y/", (200, b"api")),
        ("/api/v1", (200, b"api")),
        ("/api/v1/x", (200, b"v1")),
        ("/api/v1/log", (200, b"log")),
        ("/api/v1/log/x", (200, b"v1")),
        ("/nowhere/x", (404, b"")),
    ],
)
def test_paths(pages, path, answer):
    assert ask(pages, path) == answer


def test_everything_below_the_root(pages):
    pages.add("/", page("root"))
    assert ask(pages, "/nowhere/x") == (200, b"root")
    assert ask(pages, "/") == (200, b"root")
    assert ask(pages, "/a") == (200, b"a")


def test_methods(pages):
    assert ask(pages, "/a", "HEAD") == (200, b"a")
    assert ask(pages, "/a", "POST", Data(b"body")) == (200, b"posted body")
    assert ask(pages, "/a", "PUT") == (405, b"")
    refused = pages.answer(Message(Head({"method": "PUT", "path": "/a"})))
    assert refused.head.fields["headers"]["allow"] == "GET, HEAD, POST"
    assert ask(pages, "/api/v1/log", "POST") == (405, b"")


def test_a_request_without_a_head(pages):
    assert pages.answer(Message()).head.fields["status"] == 404


def test_a_path_has_one_page(pages):
    with pytest.raises(PluginError, match="GET /a is there already"):
        pages.add("/a", page("other"))


def test_responses():
    assert reply().head.fields == {"status": 200, "headers": {"server": "pipy-repo"}}
    assert reply(503, retry_after="1").head.fields["headers"] == {"server": "pipy-repo", "retry-after": "1"}
    assert reply(200, b"x", "text/plain").head.fields["headers"] == {"server": "pipy-repo", "content-type": "text/plain"}


def test_sources_of_figures_are_remembered(pages):
    def source(_ask):
        return []

    pages.add_figures(source)
    assert pages.sources == [source]
