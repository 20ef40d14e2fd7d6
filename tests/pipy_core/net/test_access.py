"""Where the lines of the access log go."""

import json

import pytest

from pipy_core import logs
from pipy_core.errors import StartError
from pipy_core.kit.access import Entry
from pipy_core.net import access
from pipy_core.net.access import AccessLog
from pipy_core.testing import logged


class Lines:
    """A stream."""

    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text

    def flush(self):
        pass


def entry(path="/"):
    return Entry("GET", path, "HTTP/1.1", {}, 200, 0, 0.0)


@pytest.mark.parametrize("level", ["info", "error"])
def test_lines_among_all_others(reactor, level):
    stream = Lines()
    logs.configure(level, "text", stream)
    try:
        AccessLog(reactor, "$path").write(entry("/a"))
        AccessLog(reactor, "json").write(entry("/a"))
    finally:
        logs.configure()
    first, second = stream.text.splitlines()
    assert first == "/a"
    assert json.loads(second)["path"] == "/a"


def test_json_among_json(reactor):
    stream = Lines()
    logs.configure("info", "json", stream)
    try:
        AccessLog(reactor, "$path").write(entry("/a"))
        AccessLog(reactor, "json").write(entry("/a"))
    finally:
        logs.configure()
    first, second = map(json.loads, stream.text.splitlines())
    assert (first["level"], first["component"], first["event"]) == ("info", "access", "/a")
    assert (second["level"], second["event"], second["path"], second["status"]) == ("info", "request", "/a", 200)


def test_a_file_is_written_when_the_turn_is_over(reactor, tmp_path):
    path = tmp_path / "access.log"
    log = AccessLog(reactor, "$path", str(path))
    log.write(entry("/a"))
    log.write(entry("/b"))
    assert path.read_text() == ""
    reactor.turn.flush()
    assert path.read_text() == "/a\n/b\n"
    log.flush()
    log.close()
    log.close()
    assert path.read_text() == "/a\n/b\n"


def test_much_is_written_at_once(reactor, tmp_path, monkeypatch):
    monkeypatch.setattr(access, "MAX_WAITING", 3)
    path = tmp_path / "access.log"
    log = AccessLog(reactor, "$path", str(path))
    log.write(entry("/abc"))
    assert path.read_text() == "/abc\n"
    log.close()


def test_a_file_that_was_rotated(reactor, tmp_path, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(type(reactor), "now", lambda _self: now[0])
    path = tmp_path / "access.log"
    log = AccessLog(reactor, "$path", str(path))

    def write(text):
        log.write(entry(text))
        reactor.turn.flush()

    write("/1")
    path.rename(tmp_path / "old")
    write("/2")  # nobody has looked yet
    now[0] += access.LOOK_EVERY
    write("/3")
    path.unlink()
    path.write_text("")
    now[0] += access.LOOK_EVERY
    write("/4")
    log.close()
    assert (tmp_path / "old").read_text() == "/1\n/2\n"
    assert path.read_text() == "/4\n"


def test_a_disk_that_is_full(reactor, tmp_path, monkeypatch):
    path = tmp_path / "access.log"
    log = AccessLog(reactor, "$path", str(path))

    def fails(*_args):
        raise OSError(28, "No space left on device")

    def write(text):
        log.write(entry(text))
        reactor.turn.flush()

    with logged() as entries:
        with monkeypatch.context() as patch:
            patch.setattr(access.os, "write", fails)
            write("/1")
            write("/2")
        write("/3")
    log.close()
    assert [each for each in entries if "[access]" in each] == [f"[ERR] [access] cannot write {path}: No space left on device"]
    assert path.read_text() == "/3\n"


def test_a_file_that_cannot_be_opened(reactor, tmp_path):
    with pytest.raises(StartError, match=r"cannot write the access log .*: No such file or directory"):
        AccessLog(reactor, "$path", str(tmp_path / "none" / "access.log"))
