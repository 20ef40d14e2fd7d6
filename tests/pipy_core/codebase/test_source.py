import os
import sys
from pathlib import Path

import pytest

from pipy_core.codebase.local import LocalSource
from pipy_core.codebase.remote import RemoteSource
from pipy_core.codebase.source import cache_directory, open_source
from pipy_core.errors import ArgumentError
from pipy_core.settings import Settings
from pipy_core.testing import logged


def test_a_file():
    source = open_source(Settings(script="/app/proxy.js"))
    assert isinstance(source, LocalSource)
    assert source.take().root == Path("/app")


def test_a_url(server, tmp_path):
    server.put(etag='"7"', main="pipy()")
    source = open_source(Settings(script=f"{server.url}/app/", cache_dir=str(tmp_path)))
    assert isinstance(source, RemoteSource)
    with logged():
        snapshot = source.take()
    assert snapshot.root.is_relative_to(tmp_path)
    source.accept(snapshot)
    assert [path.name for path in tmp_path.iterdir()] == [snapshot.root.parent.parent.name]
    assert snapshot.root.parent.parent.name.startswith("127.0.0.1-")


def test_urls_have_copies_of_their_own(tmp_path):
    urls = [
        "http://a/x/",
        "http://a/y/",
        "https://a/x/",
        "http://a:81/x/",
        "http://a/x/?1",
        "http://joe:x@a/x/",
        "http://../x/",
        "http://[::1]/x/",
    ]
    for url in urls:
        open_source(Settings(script=url, cache_dir=str(tmp_path)))
    assert len(list(tmp_path.iterdir())) == len(urls)


def test_nothing_is_kept_of_what_is_only_verified(server, tmp_path):
    server.put(main="pipy()")
    source = open_source(Settings(script=f"{server.url}/app/", cache_dir=str(tmp_path), verify=True))
    with logged():
        assert not source.take().root.is_relative_to(tmp_path / "cache")
    assert list(tmp_path.iterdir()) == []
    assert not source.retries


def test_a_cache_that_cannot_be_used(server, tmp_path):
    (tmp_path / "cache").write_text("a file")
    server.put(main="pipy()")
    with logged() as lines:
        source = open_source(Settings(script=f"{server.url}/app/", cache_dir=str(tmp_path / "cache")))
        assert (source.take().root / "main.js").read_text() == "pipy()"
    assert lines[0].startswith(f"[WRN] [codebase] no copy of {server.url}/app/ is kept for a start without the server: ")


@pytest.mark.parametrize(
    ("chosen", "environ", "found"),
    [
        ("/x", {"CACHE_DIRECTORY": "/a", "XDG_CACHE_HOME": "/b"}, "/x"),
        ("", {"CACHE_DIRECTORY": "/a:/c", "XDG_CACHE_HOME": "/b"}, "/a"),
        ("", {"CACHE_DIRECTORY": "", "XDG_CACHE_HOME": "/b"}, "/b/pipy"),
    ],
)
def test_where_copies_are(chosen, environ, found):
    assert cache_directory(chosen, environ) == Path(found)


def test_where_copies_are_unless_anybody_says_so(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert cache_directory("", {"XDG_CACHE_HOME": "relative"}) == Path("/var/cache/pipy")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(Path, "home", lambda: Path("/home/joe"))
    monkeypatch.setattr(sys, "platform", "linux")
    assert cache_directory("", {}) == Path("/home/joe/.cache/pipy")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert cache_directory("", {}) == Path("/home/joe/Library/Caches/pipy")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"script": "http://host/"}, "cannot open http://host/"),
        ({"script": "/app/proxy.js", "tls_cert": "x"}, "--tls-cert and --tls-key must be used in conjuction"),
        ({"script": "https://host/x/", "tls_trusted": "/none"}, "file or directory does not exist: /none"),
    ],
)
def test_settings_that_cannot_be_used(settings, message):
    with pytest.raises(ArgumentError, match=message):
        open_source(Settings(**settings))
