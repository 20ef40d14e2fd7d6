import json
import socket
import threading
from pathlib import Path

import pytest

from pipy_core.codebase import download, remote
from pipy_core.codebase.client import Client
from pipy_core.codebase.location import parse_location
from pipy_core.codebase.remote import RemoteSource, retry_after
from pipy_core.codebase.store import USED_COPIES, Store
from pipy_core.errors import LoadError
from pipy_core.testing import logged
from tests.pipy_core.codebase.server import Reply, Server, serving


class Rounds:
    """A stop event that lets *rounds* pauses pass at once, runs *steps* in them, and notes how long they would have been."""

    def __init__(self, *steps):
        self.steps = list(steps)
        self.pauses = []

    def wait(self, seconds):
        self.pauses.append(seconds)
        if not self.steps:
            return True
        step = self.steps.pop(0)
        if step is not None:
            step()
        return False


@pytest.fixture
def source_of(tmp_path):
    opened = []

    def make(server, path="/app/", **settings):
        location = parse_location(server if isinstance(server, str) else server.url + path)
        store = Store(tmp_path / f"cache{path.replace('/', '_')}")
        opened.append(store)
        return RemoteSource(location, Client(location), store, 5.0, **settings)

    yield make
    for store in opened:
        store.close()


def contents(snapshot):
    return {f"/{path.relative_to(snapshot.root)}": path.read_text() for path in snapshot.root.rglob("*") if path.is_file()}


def taken(source):
    with logged():
        return source.take()


def accepted(source):
    snapshot = taken(source)
    source.accept(snapshot)
    return snapshot


def watch(source, *steps):
    """How often there was news in as many rounds as there are *steps*, and what was logged."""
    news, rounds = [], Rounds(*steps)
    with logged() as lines:
        source.watch(lambda: news.append(None), rounds)
    return len(news), lines, rounds.pauses


class TestTaking:
    def test_a_manifest(self, server, source_of):
        server.put(etag='"7"', proxy="pipy()", other="// other")
        with logged() as lines:
            snapshot = source_of(server).take()
        assert contents(snapshot) == {"/proxy.js": "pipy()", "/other.js": "// other"}
        assert (snapshot.main, snapshot.version) == ("/proxy.js", "7")
        assert [line.rpartition("/app")[2] for line in lines] == ["/ -> 20 bytes", "/proxy.js -> 6 bytes", "/other.js -> 8 bytes"]
        assert server.asked == ["GET /app/", "GET /app/proxy.js", "GET /app/other.js", "HEAD /app/"]

    @pytest.mark.parametrize(("path", "main"), [("/x/hello.js", "/hello.js"), ("/x/", "/main.js"), ("/a%20b.js", "/a b.js")])
    def test_a_script(self, server, source_of, path, main):
        server.files[path] = Reply(b"// a script\npipy()", 'W/"a-1"')
        snapshot = taken(source_of(server, path))
        assert contents(snapshot) == {main: "// a script\npipy()"}
        assert (snapshot.main, snapshot.version) == (main, "a-1")

    def test_a_manifest_that_was_moved(self, server, source_of):
        server.put("/new/place/", main="pipy()")
        server.files["/app"] = Reply(status=301, fields={"location": "/new/place/"})
        assert contents(taken(source_of(server, "/app"))) == {"/main.js": "pipy()"}

    def test_names_are_encoded(self, server, source_of):
        server.files["/app/"] = Reply("/ä b.js\n/50%.json".encode())
        server.files["/app/%C3%A4%20b.js"] = Reply(b"pipy()")
        server.files["/app/50%25.json"] = Reply(b"{}")
        assert contents(taken(source_of(server))) == {"/ä b.js": "pipy()", "/50%.json": "{}"}

    def test_a_version_is_plain_text(self, server, source_of):
        server.files["/app/"] = Reply(b"pipy()", '"\x1b[31m' + "7" * 200 + '"')
        assert taken(source_of(server)).version == "[31m" + "7" * 96

    def test_without_validators_the_version_depends_on_all_files(self, server, source_of):
        server.put(main="pipy()", other="1")
        first = taken(source_of(server)).version
        server.put(main="pipy()", other="2")
        assert len(first) == len(taken(source_of(server)).version) == 12
        assert first != taken(source_of(server)).version

    @pytest.mark.parametrize(
        ("reply", "message"),
        [
            (Reply(b"/../x.js"), "cannot use {url}/app/: the manifest lists '/../x.js', which is not a plain path"),
            (
                Reply(b"<!DOCTYPE html>", fields={"content-type": "text/html"}),
                "{url}/app/ is a page: expected a script, or a manifest",
            ),
            (Reply(b"/main.js"), "cannot fetch {url}/app/main.js: 404 Not Found"),
            (Reply(status=500), "cannot fetch {url}/app/: 500 Internal Server Error"),
            (Reply(b"/main.js" * 100, cut=20), "cannot fetch {url}/app/: "),
        ],
    )
    def test_what_cannot_be_taken(self, server, source_of, reply, message, tmp_path):
        server.files["/app/"] = reply
        source = source_of(server)
        with logged(), pytest.raises(LoadError) as caught:
            source.take()
        assert caught.value.message.startswith(message.format(url=server.url))
        assert not [entry for entry in (tmp_path / "cache_app_").iterdir() if entry.is_dir()]

    def test_a_name_that_is_no_file(self, server, source_of):
        server.files["/x/a%00"] = Reply(b"pipy()")
        with logged(), pytest.raises(LoadError, match="cannot be a script: it is called"):
            source_of(server, "/x/a%00").take()

    @pytest.mark.parametrize(
        ("limit", "message"),
        [
            ("MAX_TOTAL", "it has more than 30 bytes"),
            ("MAX_MANIFEST", "the manifest has more than 30 bytes"),
            ("MAX_FILE", "it has more than 30 bytes"),
        ],
    )
    def test_limits(self, server, source_of, monkeypatch, limit, message):
        server.put(main=" " * 25, other=" " * 25, third="")
        if limit == "MAX_FILE":
            server.files["/app/main.js"].body *= 2
        monkeypatch.setattr(download, limit, 30)
        server.files["/app/"].body = b"/main.js\n/other.js\n/third.js" + (b"\n" * 10 if limit == "MAX_MANIFEST" else b"")
        with logged(), pytest.raises(LoadError, match=message):
            source_of(server).take()

    def test_one_that_changes_meanwhile_is_fetched_again(self, server, source_of):
        server.put(etag='"1"', main="1", other="1")
        server.before["/app/other.js"] = lambda: server.put(etag='"2"', main="2", other="2")
        snapshot = taken(source_of(server))
        assert contents(snapshot) == {"/main.js": "2", "/other.js": "2"}
        assert snapshot.version == "2"

    def test_one_that_never_stays_the_same(self, server, source_of):
        numbers = iter(range(100))
        server.put(etag='"x"', main="1")
        server.before["/app/main.js"] = lambda: server.put(etag=f'"{next(numbers)}"', main="1")
        with logged(), pytest.raises(LoadError, match="it changes while it is fetched"):
            source_of(server).take()


class TestLastGood:
    def test_the_server_is_away(self, server, source_of):
        server.put(etag='"1"', main="one")
        accepted(source_of(server))
        server.files.clear()
        with logged() as lines:
            snapshot = source_of(server).take()
        assert contents(snapshot) == {"/main.js": "one"}
        assert lines[0] == "[ERR] [codebase] GET /app/ -> 404 Not Found"
        assert lines[1].endswith(": starting with the copy of version 1 on the disk, which is 0 minutes old")
        assert lines[1].startswith("[WRN] [codebase] ")

    def test_the_server_dies_half_way(self, server, source_of):
        server.put(main="one", other="one")
        accepted(source_of(server))
        server.put(main="two", other="two")
        server.files["/app/other.js"].cut = 1
        assert contents(taken(source_of(server))) == {"/main.js": "one", "/other.js": "one"}

    def test_there_is_none(self, server, source_of):
        server.put(main="one")
        taken(source_of(server))
        server.files.clear()
        with logged(), pytest.raises(LoadError, match="404"):
            source_of(server).take()

    def test_it_is_not_asked_for(self, server, source_of):
        server.put(main="one")
        accepted(source_of(server))
        server.files.clear()
        source = source_of(server, patient=False)
        assert not source.retries
        with logged(), pytest.raises(LoadError, match="404"):
            source.take()

    @pytest.mark.parametrize("kept", [True, False])
    def test_the_disk_is_full(self, server, source_of, monkeypatch, kept):
        server.put(etag='"1"', main="one")
        if kept:
            accepted(source_of(server))
        server.put(etag='"2"', main="two")
        source = source_of(server)

        def add(*_args):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Store, "add", add)
        if kept:
            assert contents(accepted(source)) == {"/main.js": "one"}
        else:
            with logged(), pytest.raises(LoadError, match=r"cannot keep a copy of .*: .*No space left on device"):
                source.take()

    def test_something_runs_already(self, server, source_of):
        server.put(main="one")
        source = source_of(server)
        accepted(source)
        server.files.clear()
        with logged(), pytest.raises(LoadError, match="404"):
            source.take()

    def test_what_the_server_has_was_found_wrong(self, server, source_of):
        server.put(etag='"1"', main="one")
        accepted(source_of(server))
        server.put(etag='"2"', main="broken")
        source = source_of(server)
        assert contents(taken(source)) == {"/main.js": "broken"}
        news, _, _ = watch(source)
        assert news == 1  # at once
        with logged() as lines:
            snapshot = source.take()
        assert contents(snapshot) == {"/main.js": "one"}
        assert "[WRN] [codebase] version 2 could not be loaded: starting with the copy of version 1" in "".join(lines)
        source.accept(snapshot)
        assert watch(source, None, None)[0] == 0  # version 2 is known to be wrong
        server.put(etag='"3"', main="mended")
        assert watch(source, None)[0] == 1
        assert contents(accepted(source)) == {"/main.js": "mended"}

    def test_the_last_good_one_does_not_work_any_more_either(self, server, source_of):
        server.put(main="one")
        accepted(source_of(server))
        source = source_of(server)
        for _ in range(3):  # the same as on the disk
            assert contents(taken(source)) == {"/main.js": "one"}


class TestWatching:
    def test_a_repository_is_asked_once(self, server, source_of):
        server.put(etag='"1"', main="one", other="one")
        source = source_of(server)
        accepted(source)
        server.asked.clear()
        news, lines, pauses = watch(source, None, None)
        assert (news, lines, pauses) == (0, [], [5.0, 5.0, 5.0])
        assert server.asked == ["POST /app/", "HEAD /app/"] * 3

    @pytest.mark.parametrize("etag", ['"2"', ""])
    def test_a_new_version(self, server, source_of, etag):
        server.put(etag='"1"' if etag else "", main="one", other="one")
        source = source_of(server)
        accepted(source)
        news, _, _ = watch(source, None, lambda: server.put(etag=etag, main="one", other="two"), None)
        assert news == 1
        server.asked.clear()
        assert contents(accepted(source)) == {"/main.js": "one", "/other.js": "two"}
        assert server.asked == []  # it is there already
        assert watch(source, None)[0] == 0

    def test_a_file_that_is_changed_on_a_server_of_files(self, server, source_of):
        server.put(main="one", other="one")
        for number, reply in enumerate(server.files.values()):
            reply.modified = f"Sat, 21 Nov 2026 04:00:0{number} GMT"
        source = source_of(server)
        accepted(source)
        assert watch(source, None, None)[0] == 0
        assert "GET" not in "".join(server.asked[4:])

        def change():
            server.files["/app/other.js"] = Reply(b"two", modified="Sat, 21 Nov 2026 05:00:00 GMT")

        assert watch(source, None, change, None)[0] == 1
        assert contents(taken(source))["/other.js"] == "two"

    def test_a_server_without_head_and_validators(self, server, source_of):
        server.heads = False
        server.put(main="one", other="one")
        source = source_of(server)
        accepted(source)
        assert watch(source, None)[0] == 0
        assert watch(source, lambda: server.put(main="one", other="two"))[0] == 1

    def test_many_files_are_looked_at_in_turn(self, server, source_of, monkeypatch):
        monkeypatch.setattr(download, "LOOKS", 2)
        names = ("main", "b", "c", "d", "e")
        server.put(**dict.fromkeys(names, "one"))
        source = source_of(server)
        accepted(source)
        server.asked.clear()
        watch(source, None, None, None)
        looks = [asked.rpartition("/")[2] for asked in server.asked if asked.startswith("HEAD /app/") and asked != "HEAD /app/"]
        assert looks == ["main.js", "b.js", "c.js", "d.js", "e.js", "main.js", "b.js"]

    def test_other_validators_of_the_same_files_are_no_news(self, server, source_of):
        server.files["/app/"] = Reply(b"/main.js", '"a"')
        server.files["/app/main.js"] = Reply(b"one", '"b"')
        source = source_of(server)
        accepted(source)

        def other_backend():
            server.files["/app/main.js"].etag += "x"

        assert watch(source, other_backend, other_backend, None)[0] == 0

    def test_another_etag_of_the_same_script_is_no_news(self, server, source_of):
        server.files["/app/a.js"] = Reply(b"pipy()", '"a"')
        source = source_of(server, "/app/a.js")
        accepted(source)

        def other_backend():
            server.files["/app/a.js"].etag += "x"

        assert watch(source, other_backend, None)[0] == 0

    def test_a_repository_may_publish_the_same_files_again(self, server, source_of):
        server.put(etag='"1"', main="one")
        source = source_of(server)
        accepted(source)
        assert watch(source, lambda: server.put(etag='"2"', main="one"))[0] == 1
        assert accepted(source).version == "2"

    def test_the_server_goes_away_and_comes_back(self, server, source_of):
        server.put(etag='"1"', main="one")
        source = source_of(server)
        accepted(source)
        files = dict(server.files)
        news, lines, pauses = watch(source, None, server.files.clear, None, None, lambda: server.files.update(files), None)
        assert news == 0
        assert pauses[:2] == pauses[5:] == [5.0, 5.0]
        assert [low <= pause <= high for pause, (low, high) in zip(pauses[2:5], [(4, 6), (8, 12), (16, 24)], strict=True)] == [
            True
        ] * 3
        assert sum("HEAD /app/ -> 404 Not Found" in line for line in lines) == 3
        assert sum("404 Not Found: trying again later" in line for line in lines) == 3

    def test_a_version_that_cannot_be_fetched_is_tried_again(self, server, source_of):
        server.put(etag='"1"', main="one")
        source = source_of(server)
        accepted(source)

        def broken():
            server.put(etag='"2"', main="two")
            server.files["/app/main.js"].cut = 1

        assert watch(source, broken, None)[0] == 0
        assert watch(source, lambda: server.put(etag='"2"', main="two"))[0] == 1

    def test_a_version_that_was_found_wrong_is_not_loaded_again_and_again(self, server, source_of):
        server.put(etag='"1"', main="one")
        source = source_of(server)
        accepted(source)
        assert watch(source, lambda: server.put(etag='"2"', main="broken"))[0] == 1
        taken(source)
        assert watch(source, None, None)[0] == 0
        assert watch(source, lambda: server.put(etag='"3"', main="mended"))[0] == 1
        assert contents(accepted(source)) == {"/main.js": "mended"}

    def test_nothing_runs_yet(self, server, source_of):
        source = source_of(server)
        with logged(), pytest.raises(LoadError):
            source.take()
        news, lines, pauses = watch(source, *[None] * 8)
        assert news == 8
        assert all(
            low <= pause <= high
            for pause, (low, high) in zip(pauses, [(4, 6), (8, 12), (16, 24), (32, 48), *[(48, 72)] * 5], strict=True)
        )
        assert lines[0] == f"[INF] [codebase] {server.url}/app/: trying again in 5 s, then less and less often"

    def test_a_bug_does_not_end_it(self, server, source_of, monkeypatch):
        server.put(etag='"1"', main="one")
        source = source_of(server)
        accepted(source)
        monkeypatch.setattr(remote, "download", lambda *_: 1 / 0)
        news, lines, _ = watch(source, lambda: server.put(etag='"2"', main="two"), monkeypatch.undo, None)
        assert news == 1
        assert sum("ZeroDivisionError" in line for line in lines) > 0

    def test_it_ends_when_it_is_to(self, server, source_of):
        server.put(etag='"1"', main="one")
        source = source_of(server)
        accepted(source)
        stop = threading.Event()
        thread = threading.Thread(target=source.watch, args=(lambda: None, stop))
        thread.start()
        stop.set()
        thread.join(5)
        assert not thread.is_alive()


class TestReports:
    def test_what_is_told(self, server, source_of):
        server.put(etag='"7"', main="one")
        source = source_of(server)
        accepted(source)
        source.report({"version": "of the program", "modules": {"/main.js": {"graph": {}}}})
        watch(source, None)
        first, second = map(json.loads, server.posted)
        assert set(first) == {"timestamp", "uuid", "version", "modules"}
        assert (first["version"], first["uuid"]) == ("7", second["uuid"])
        assert first["timestamp"] > 1_700_000_000_000

    def test_a_server_that_takes_none_is_left_alone(self, server, source_of, monkeypatch):
        monkeypatch.setattr(remote, "SILENT_ROUNDS", 2)
        server.report_status = 501
        server.put(etag='"7"', main="one")
        source = source_of(server)
        accepted(source)
        news, lines, _ = watch(source, *[None] * 6)
        assert (news, lines) == (0, [])
        assert len(server.posted) == 3  # in the rounds 1, 4 and 7


def test_many_versions_leave_nothing_behind(server, source_of, tmp_path):
    source = source_of(server)
    held = []
    for number in range(4 * USED_COPIES):
        server.put(etag=f'"{number}"', main=f"version {number}")
        snapshot = taken(source)
        if number % 4:  # the others do not load
            source.accept(snapshot)
        held.append(len(list(Path("/dev/fd").iterdir())))
    assert max(held) <= held[0] + USED_COPIES
    assert len([entry for entry in (tmp_path / "cache_app_").iterdir() if entry.is_dir()]) == USED_COPIES


def test_retries_are_spread():
    assert len({retry_after(3) for _ in range(10)}) > 1
    assert all(48 <= retry_after(failures) <= 72 for failures in (5, 100, 10_000))


def test_a_server_that_comes_late(tmp_path, source_of):
    with socket.socket() as taken:  # nobody listens yet, and nobody else gets the port
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        source = source_of(f"http://127.0.0.1:{port}/app/")
        with logged(), pytest.raises(LoadError, match="refused"):
            source.take()
        with serving(Server(("127.0.0.1", port))) as server:
            server.put(main="one")
            assert contents(accepted(source)) == {"/main.js": "one"}
