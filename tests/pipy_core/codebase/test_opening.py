"""Where copies of a remote codebase are, and whether any are kept."""

import os
import sys
from pathlib import Path

import pytest

from pipy_core.codebase.opening import cache_directory, open_remote
from pipy_core.errors import LoadError
from pipy_core.settings import Settings
from pipy_core.testing import logged


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
        open_remote(Settings(script=url, cache_dir=str(tmp_path)), None)
    assert len(list(tmp_path.iterdir())) == len(urls)


def test_nothing_is_kept_of_what_is_only_verified(server, tmp_path):
    server.put(main="pipy()")
    source = open_remote(Settings(script=f"{server.url}/app/", cache_dir=str(tmp_path), verify=True), None)
    with logged():
        assert not source.take().root.is_relative_to(tmp_path / "cache")
    assert list(tmp_path.iterdir()) == []
    assert not source.retries


def test_a_cache_that_cannot_be_used(server, tmp_path):
    (tmp_path / "cache").write_text("a file")
    server.put(main="pipy()")
    with logged() as lines:
        source = open_remote(Settings(script=f"{server.url}/app/", cache_dir=str(tmp_path / "cache")), None)
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


def test_no_place_at_all(tmp_path, monkeypatch):
    (tmp_path / "cache").write_text("a file")

    def full(**_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.mkdtemp", full)
    with logged(), pytest.raises(LoadError, match=r"there is no place for a copy of http://a/x/: .*No space left"):
        open_remote(Settings(script="http://a/x/", cache_dir=str(tmp_path / "cache")), None)
