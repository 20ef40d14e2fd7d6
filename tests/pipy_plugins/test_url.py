from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipy_plugins import url
from tests.engine import by_engine


@pytest.fixture(scope="module")
def script(script_of):
    return script_of(url)


PARSE = "((url) => Object.fromEntries(names.map((name) => [name, url[name]])))(base === null ? new URL(text) : new URL(text, base))"


def parse(script, text, base, names):
    return script(PARSE, text=text, base=base, names=list(names))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        pytest.param(
            "https://user:pass@example.com:8080/a/b?x=1&y=2#top",
            {
                "protocol": "https:",
                "auth": "user:pass",
                "username": "user",
                "password": "pass",
                "host": "example.com:8080",
                "hostname": "example.com",
                "port": "8080",
                "path": "/a/b?x=1&y=2",
                "pathname": "/a/b",
                "search": "?x=1&y=2",
                "query": "x=1&y=2",
                "hash": "#top",
                "origin": "https://example.com:8080",
                "href": "https://user:pass@example.com:8080/a/b?x=1&y=2#top",
            },
            id="all",
        ),
        pytest.param(
            "http://h", {"path": "/", "pathname": "/", "search": "", "hash": "", "auth": "", "href": "http://h/"}, id="host-only"
        ),
        pytest.param("http://h?q", {"host": "h", "pathname": "/", "path": "/?q", "query": "q"}, id="query-only"),
        pytest.param("http://h/#f?x", {"search": "", "hash": "#f?x"}, id="question-mark-in-hash"),
        pytest.param("http://h/?", {"search": "", "query": "", "path": "/"}, id="empty-query"),
        pytest.param("//h:1/p", {"protocol": "http:", "host": "h:1", "href": "http://h:1/p"}, id="no-scheme"),
        pytest.param("/p?x", {"protocol": "http:", "host": "", "hostname": "", "path": "/p?x", "href": "/p?x"}, id="path"),
        pytest.param("a.b/c", {"protocol": "http:", "host": "", "pathname": "a.b/c"}, id="bare"),
        pytest.param("", {"protocol": "http:", "host": "", "path": "/"}, id="empty"),
        pytest.param("HTTP://Host/%7Ex y", {"protocol": "http:", "host": "Host", "pathname": "/%7Ex y"}, id="nothing-normalised"),
        pytest.param("http://[::1]:80/", {"host": "[::1]:80", "hostname": "[::1]", "port": "80"}, id="ipv6-port"),
        pytest.param("http://[::1]/", {"host": "[::1]", "hostname": "[::1]", "port": "80"}, id="ipv6"),
        pytest.param("http://u@h/", {"auth": "u", "username": "u", "password": ""}, id="user-only"),
        pytest.param("http://u:p:q@h/", {"username": "u", "password": "p:q"}, id="colon-in-password"),
        pytest.param("http://a@b@h/", {"auth": "a@b", "host": "h"}, id="at-in-user"),
        pytest.param("http://h/a@b:c", {"auth": "", "host": "h", "pathname": "/a@b:c"}, id="at-in-path"),
        pytest.param("http://h:/", {"hostname": "h", "port": "80"}, id="empty-port"),
        pytest.param("http://[broken/", {"host": "[broken", "hostname": "[broken"}, id="broken-ipv6"),
        pytest.param("file:///etc/x", {"host": "", "pathname": "/etc/x", "port": "", "href": "file:///etc/x"}, id="no-host"),
        pytest.param("mailto:a@b", {"protocol": "mailto:", "pathname": "a@b", "href": "mailto:a@b"}, id="no-slashes"),
    ],
)
def test_parts(script, text, parts):
    assert parse(script, text, None, parts) == parts


@pytest.mark.parametrize(
    ("scheme", "port"),
    [
        ("ftp", "21"),
        ("gopher", "70"),
        ("http", "80"),
        ("ws", "80"),
        ("https", "443"),
        ("wss", "443"),
        ("other", ""),
        ("constructor", ""),
    ],
)
def test_usual_ports(script, scheme, port):
    assert parse(script, f"{scheme}://h/", None, ["port", "host"]) == {"port": port, "host": "h"}


@pytest.mark.parametrize(
    ("text", "href"),
    [
        ("c", "https://u@h:1/a/c"),
        ("c?y", "https://u@h:1/a/c?y"),
        ("/c", "https://u@h:1/c"),
        ("//other/c", "https://other/c"),
        ("ftp://other/c", "ftp://other/c"),
        ("", "https://u@h:1/a/b?x"),
        ("?y", "https://u@h:1/a/b?y"),
        ("#g", "https://u@h:1/a/b?x#g"),
        ("../c", "https://u@h:1/a/../c"),
    ],
)
def test_a_base_gives_what_is_missing(script, text, href):
    assert script("new URL(text, 'https://u@h:1/a/b?x#f').href", text=text) == href
    assert script("new URL(text, new URL('https://u@h:1/a/b?x#f')).href", text=text) == href


def test_a_base_without_path(script):
    assert script("new URL('c', 'http://h').href") == "http://h/c"


def test_a_url_is_text_where_text_is_wanted(script):
    assert script("((url) => [`${url}`, JSON.stringify({ url }), new URL(url).host])(new URL('http://h/p?x#y'))") == [
        "http://h/p?x#y",
        '{"url":"http://h/p?x#y"}',
        "h",
    ]


@pytest.mark.parametrize("expression", ["new URL()", "new URL(5)", "new URL(null)", "new URL({ href: 'x' })"])
def test_wrong_arguments(script, expression):
    with pytest.raises(Exception, match="TypeError: argument #1 expects a string or an instance of URL"):
        script(expression)


def test_a_wrong_base(script):
    with pytest.raises(Exception, match="TypeError: argument #2 expects a string or an instance of URL"):
        script("new URL('x', 5)")


def test_parts_are_read_only(script):
    with pytest.raises(
        Exception,
        match=by_engine(v8="TypeError: Cannot assign to read only property 'host'", quickjs="TypeError: 'host' is read-only"),
    ):
        script("new URL('http://h').host = 'x'")


def test_search_params_of_a_url(script):
    assert script("new URL('http://h/?a=1&b=%26').searchParams.toObject()") == {"a": "1", "b": "&"}


@given(text=st.text())
@settings(max_examples=100, deadline=None)
def test_no_text_is_refused_and_nothing_gets_lost(script, text):
    front, _, fragment = text.partition("#")
    path, _, query = front.partition("?")
    expected = f"http://h/{path}" + (f"?{query}" if query else "") + (f"#{fragment}" if fragment else "")
    assert parse(script, f"http://h/{text}", None, ["href", "query"]) == {"href": expected, "query": query}


@pytest.mark.parametrize(
    ("given_value", "result"),
    [
        pytest.param("?a=1&b=2&b=3&c=%26%3D", {"a": "1", "b": ["2", "3"], "c": "&="}, id="text"),
        pytest.param("a=1", {"a": "1"}, id="no-question-mark"),
        pytest.param("", {}, id="empty"),
        pytest.param("&&a&=x&b=1=2&", {"a": "", "": "x", "b": "1=2"}, id="odd"),
        pytest.param("a=1+1&%C3%A9=%F0%9F%98%80", {"a": "1+1", "\u00e9": "\U0001f600"}, id="decoded-but-for-plus"),
        pytest.param("a=%zz&b=%41%ff&c=%", {"a": "%zz", "b": "%41%ff", "c": "%"}, id="badly-encoded"),
        pytest.param("__proto__=x&constructor=y", {"__proto__": "x", "constructor": "y"}, id="names-of-javascript"),
        pytest.param({"x": "1", "y": ["p", "q"], "n": 5, "no": None}, {"x": "1", "y": ["p", "q"], "n": "5"}, id="object"),
        pytest.param([["a", "1"], ["a", "2"]], {"a": ["1", "2"]}, id="pairs"),
        pytest.param(None, {}, id="null"),
    ],
)
def test_params_from(script, given_value, result):
    assert script("Object.entries(new URLSearchParams(given_value).toObject())", given_value=given_value) == list(
        map(list, result.items())
    )


def test_params_get_set_and_print(script):
    story = """((p) => (
      p.set("d", "new value"), p.set("a", "changed"), p.set("l", [1, null, 2]), p.set("b", null), p.set("e", []), [
      p.get("a"), p.get("b"), p.getAll("l"), p.getAll("none"), p.toString()
    ]))(new URLSearchParams("?a=1&b=2&c=%26%3D"))"""
    assert script(story) == ["changed", None, ["1", "2"], [], "a=changed&c=%26%3D&d=new%20value&l=1&l=2"]


def test_params_have_the_rest_of_the_standard(script):
    story = """((p, log = []) => (
      p.append("a", 2), p.append("z", "x"), p.delete("b"), p.delete("a", 1), p.forEach((value, name) => log.push(name + value)),
      [p.has("a"), p.has("a", "1"), p.has("b"), p.size, [...p], [...p.keys()], [...p.values()], [...p.entries()].length, log,
       new URLSearchParams(p).toString()]
    ))(new URLSearchParams("a=1&b=1"))"""
    assert script(story) == [
        True,
        False,
        False,
        2,
        [["a", "2"], ["z", "x"]],
        ["a", "z"],
        ["2", "x"],
        2,
        ["a2", "zx"],
        "a=2&z=x",
    ]


def test_what_getall_gives_is_a_copy(script):
    assert script("((p) => (p.getAll('a').push('x'), p.toString()))(new URLSearchParams('a=1&a=2'))") == "a=1&a=2"


def test_params_of_a_number(script):
    with pytest.raises(Exception, match="TypeError: argument #1 expects a string or an object"):
        script("new URLSearchParams(5)")


@given(pairs=st.dictionaries(st.text(), st.lists(st.text(), min_size=1, max_size=3), max_size=5))
@settings(max_examples=100, deadline=None)
def test_params_come_back_from_their_text(script, pairs):
    text, again = script("((p) => [p.toString(), [...new URLSearchParams(p.toString())]])(new URLSearchParams(pairs))", pairs=pairs)
    expected = sorted([name, value] for name, values in pairs.items() for value in values)
    assert sorted(again) == expected
    assert sorted(text.split("&") if text else []) == sorted(
        f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in expected
    )
