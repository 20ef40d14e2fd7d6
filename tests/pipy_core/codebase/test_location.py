import pytest

from pipy_core.codebase.location import is_url, parse_location
from pipy_core.errors import ArgumentError


@pytest.mark.parametrize(
    ("url", "address", "authority", "path", "name"),
    [
        ("http://host/a/b.js", ("host", 80), "host", "/a/b.js", "b.js"),
        ("http://host:80/a/", ("host", 80), "host", "/a/", "main.js"),
        ("HTTPS://Host:6060/repo/x/", ("host", 6060), "host:6060", "/repo/x/", "main.js"),
        ("https://host/x", ("host", 443), "host", "/x", "x"),
        ("http://localhost:6060/x/", ("127.0.0.1", 6060), "localhost:6060", "/x/", "main.js"),
        ("http://[::1]:8000/x/", ("::1", 8000), "[::1]:8000", "/x/", "main.js"),
        ("http://host/%41b.js", ("host", 80), "host", "/%41b.js", "Ab.js"),
        ("http://host/ü.js", ("host", 80), "host", "/%C3%BC.js", "ü.js"),
    ],
)
def test_urls(url, address, authority, path, name):
    location = parse_location(url)
    assert (location.address, location.port) == address
    assert (location.authority, location.path, location.name) == (authority, path, name)
    assert location.shown.endswith(authority + path)


def test_secrets_are_not_shown():
    location = parse_location("https://joe:s%40crit@host/a.js?token=secret")
    assert (location.credentials, location.query) == ("joe:s@crit", "token=secret")
    assert location.shown == "https://host/a.js"


@pytest.mark.parametrize(
    ("path", "base", "found"),
    [
        ("/a.js", "/repo/x/", "/repo/x/a.js"),
        ("/a.js", "/repo/x/list.txt", "/repo/x/a.js"),
        ("/a.js", "/list", "/a.js"),
        ("/sub/a b?#%20.js", "/x/", "/x/sub/a%20b%3F%23%2520.js"),
    ],
)
def test_files_are_found_beside_the_manifest(path, base, found):
    assert parse_location(f"http://host{base}").below(path, base) == found


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://", "invalid URL: http://: expected http://host[:port]/path/ or https://host[:port]/path/"),
        ("http://host:port/", "invalid URL: http://host:port/: Port could not be cast to integer value as 'port'"),
        ("http://host:0/x/", "invalid URL: http://host:0/x/: expected"),
        ("http://host:70000/x/", "invalid URL: http://host:70000/x/: Port out of range"),
        ("http://[::1/x/", "invalid URL: http://[::1/x/: Invalid IPv6 URL"),
        ("http://host/a b/", "invalid URL: 'http://host/a b/': there is a blank"),
        ("http://host/\r\nx", "invalid URL: 'http://host/\\r\\nx': there is a blank or a control character"),
        ("http://joe:secret@host:6060?x=secret", "cannot open http://host:6060: a URL without a path means a console"),
        ("https://host/", "cannot open https://host/: a URL without a path means a console"),
        ("ftp://host/x", "invalid URL: ftp://host/x: expected http"),
    ],
)
def test_what_is_no_codebase(url, message):
    with pytest.raises(ArgumentError) as caught:
        parse_location(url)
    assert str(caught.value).startswith(message)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(("name", "answer"), [("http://x", True), ("HTTPS://x", True), ("http:/x", False), ("x.js", False)])
def test_what_is_a_url(name, answer):
    assert is_url(name) is answer
