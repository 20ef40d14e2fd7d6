import os
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from pipy_core.codebase import local
from pipy_core.codebase.local import LocalSource, is_relevant
from pipy_core.codebase.snapshot import Snapshot
from pipy_core.testing import logged


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    monkeypatch.setattr(local, "QUIET", 20)
    monkeypatch.setattr(local, "LOOKING", 50)


class Told:
    """How often there was news."""

    def __init__(self):
        self._news = threading.Semaphore(0)

    def __call__(self):
        self._news.release()

    def comes(self, seconds=10.0):
        return self._news.acquire(timeout=seconds)


@contextmanager
def watching(script, *, wanted=True):
    stop, told = threading.Event(), Told()
    source = LocalSource(script, watching=wanted)
    thread = threading.Thread(target=source.watch, args=(told, stop), daemon=True)
    thread.start()
    try:
        yield told
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "app" / "main.js"
    (path.parent / "sub").mkdir(parents=True)
    path.write_text("pipy()")
    return path


def age(directory):
    """Wait until all files there are older than anything that a test does."""
    newest = max(path.stat().st_ctime_ns for path in directory.rglob("*"))
    until(lambda: time.time_ns() - local.CLOCK_STEP > newest)


@pytest.mark.parametrize("moved", [False, True], ids=["written", "moved"])
def test_a_change_before_anybody_watched_is_told(script, moved):
    ready = script.with_name("plugin.js~")
    ready.write_text("pipy({})")
    os.utime(ready, (1e9, 1e9))
    age(script.parent)
    source = LocalSource(script, watching=True)
    source.take()
    plugin = script.parent / "sub" / "plugin.js"
    if moved:
        ready.replace(plugin)
    else:
        plugin.write_text("pipy({})")
    stop, told = threading.Event(), Told()
    thread = threading.Thread(target=source.watch, args=(told, stop), daemon=True)
    thread.start()
    try:
        assert told.comes()
    finally:
        stop.set()
        thread.join(10)


@pytest.mark.parametrize("name", [".git/index", "main.js~", "node_modules/a.js"])
def test_what_has_not_changed_since_it_was_read_is_no_news(script, name):
    age(script.parent)
    source = LocalSource(script, watching=True)
    source.take()
    path = script.parent / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("")
    stop, told = threading.Event(), Told()
    thread = threading.Thread(target=source.watch, args=(told, stop), daemon=True)
    thread.start()
    try:
        assert not told.comes(0.3)
    finally:
        stop.set()
        thread.join(10)


def until_told(told, change, pause=0.1):
    """Change something again and again: nobody says when the watcher has begun."""
    for number in range(200):
        change(number)
        if told.comes(pause):
            return
    raise AssertionError("nobody was told")


def until(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture
def settle(monkeypatch):
    """``settle(told, directory)``: whatever has changed there so far has been told, and is forgotten."""
    seen = set()
    real = local.watch

    def watch(*args, watch_filter, **settings):
        def matters(change, path):
            seen.add(Path(path).name)
            return watch_filter(change, path)

        return real(*args, watch_filter=matters, **settings)

    monkeypatch.setattr(local, "watch", watch)

    def settle(told, directory):
        for name in ("first.tmp", "second.tmp"):  # when there is news of the second, that of the first has been dealt with
            (directory / name).write_text("")
            until(lambda name=name: name in seen)
        while told.comes(0):
            pass

    return settle


def test_files_are_taken_as_they_are(script, monkeypatch):
    monkeypatch.chdir(script.parent)
    source = LocalSource(script.relative_to(script.parent))
    monkeypatch.chdir("/")
    assert source.take() == Snapshot(script.parent, "/main.js")
    assert not source.retries


@pytest.mark.parametrize("polling", [False, True])
@pytest.mark.parametrize("way", ["written", "renamed", "new", "removed", "below"])
def test_changes_are_told(script, monkeypatch, way, polling):
    if polling:
        monkeypatch.setenv("WATCHFILES_FORCE_POLLING", "true")

    def change(number):
        text = "pipy()" + " " * number
        if way == "written":
            script.write_text(text)
        elif way == "renamed":  # as editors save
            fresh = script.with_name("main.js~")
            fresh.write_text(text)
            fresh.replace(script)
        elif way == "below":
            (script.parent / "sub" / "data.json").write_text(text)
        else:
            path = script.parent / f"{number}.js"
            path.unlink() if way == "removed" else path.write_text(text)

    if way == "removed":
        for number in range(200):
            (script.parent / f"{number}.js").write_text("x")
    with watching(script) as told:
        until_told(told, change)


def test_many_changes_at_once_are_one(script, settle, monkeypatch):
    monkeypatch.setattr(local, "QUIET", 500)  # so long that the changes are at once, however slow we are
    with watching(script) as told:
        until_told(told, lambda number: script.write_text("x" * number), pause=5)
        settle(told, script.parent)
        for number in range(50):
            (script.parent / f"{number}.js").write_text("x")
        assert told.comes()
        assert not told.comes(0.5)


def test_what_does_not_matter_is_not_told(script, settle):
    with watching(script) as told:
        until_told(told, lambda number: script.write_text("x" * number))
        settle(told, script.parent)
        (script.parent / ".git").mkdir()
        (script.parent / ".git" / "index").write_text("x")
        (script.parent / ".main.js.swp").write_text("x")
        (script.parent / "main.js~").write_text("x")
        script.read_text()
        assert not told.comes(0.5)


def test_nothing_is_told_unless_it_is_wanted(script):
    with watching(script, wanted=False) as told:
        script.write_text("x")
        assert not told.comes(0.3)


def test_the_log_of_the_process_is_no_change(script, settle, monkeypatch):
    output = script.parent / "output.txt"
    with output.open("w") as file, watching(script) as told:
        monkeypatch.setattr(os, "fstat", lambda number, fstat=os.fstat: fstat(file.fileno() if number == 1 else number))
        until_told(told, lambda number: script.write_text("x" * number))
        settle(told, script.parent)
        file.write("Codebase reloaded")
        file.flush()
        assert not told.comes(0.5)


def test_a_directory_that_comes_back(script, monkeypatch):
    monkeypatch.setattr(local, "RETRY", 0.05)
    away = script.parent.with_name("away")
    script.parent.rename(away)
    with capture_logs() as entries, watching(script) as told:
        until(lambda: entries)
        assert not told.comes(0.3)
        away.rename(script.parent)
        assert told.comes()
        until_told(told, lambda number: script.write_text("x" * number))
    (entry,) = entries
    assert entry["log_level"] == "warning"
    assert entry["event"] == f"cannot watch {script.parent}: No such file or directory"


def test_another_directory_in_its_place(settle, tmp_path):
    for name in ("1", "2"):
        (tmp_path / "releases" / name).mkdir(parents=True)
        (tmp_path / "releases" / name / "main.js").write_text(name)
    current = tmp_path / "current"
    current.symlink_to("releases/1")
    with watching(current / "main.js") as told:
        until_told(told, lambda number: (tmp_path / "releases" / "1" / "main.js").write_text("x" * number))
        settle(told, current)
        (tmp_path / "fresh").symlink_to("releases/2")
        (tmp_path / "fresh").replace(current)
        assert told.comes()
        until_told(told, lambda number: (tmp_path / "releases" / "2" / "main.js").write_text("x" * number))


def test_files_that_cannot_even_be_looked_at(script, monkeypatch):
    tried = threading.Semaphore(0)

    def watch(*_args, **_settings):
        tried.release()
        raise RuntimeError("out of order")

    monkeypatch.setattr(local, "watch", watch)
    monkeypatch.setattr(local, "RETRY", 0.05)
    with logged() as lines, watching(script) as told:
        for _ in range(4):
            assert tried.acquire(timeout=10)
        assert not told.comes(0)
    assert len(lines) >= 3
    assert lines[1] == f"[WRN] [codebase] cannot look at the files in {script.parent}: out of order"


def test_a_system_that_watches_no_more(script, monkeypatch):
    real = local.watch

    def watch(*args, force_polling, **settings):
        if not force_polling:
            raise OSError(28, "No space left on device")
        return real(*args, force_polling=True, **settings)

    monkeypatch.setattr(local, "watch", watch)
    with logged() as lines, watching(script) as told:
        until_told(told, lambda number: script.write_text("x" * number))
    assert lines == [
        f"[WRN] [codebase] cannot watch {script.parent}: [Errno 28] No space left on device: looking at its files every 0.05 s"
    ]


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("main.js", True),
        ("sub/deep/data.json", True),
        ("..data", True),
        (".", False),
        (".env", False),
        (".git/HEAD", False),
        ("sub/.idea/x.js", False),
        ("node_modules", False),
        ("node_modules/x/index.js", False),
        ("__pycache__/x.pyc", False),
        ("main.js~", False),
        ("#main.js#", False),
        ("main.js.swp", False),
        ("main.js.tmp", False),
        ("4913", False),
        ("main.js___jb_tmp___", False),
        ("access.log", False),
        ("access.log.1", False),
        ("log.js", True),
        ("swp", True),
        ("temp", True),
    ],
)
def test_what_matters(path, answer):
    assert is_relevant(path) is answer
