"""os.readFile, os.writeFile and os.stat."""

import os

import pytest

from pipy_core.errors import ScriptError
from pipy_core.testing import logged
from pipy_plugins import json_global, os_files
from pipy_plugins.os_files import read_file, status, write_file
from tests.in_isolate import evaluate


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_reading(folder):
    (folder / "in.bin").write_bytes(b"\x00\xff")
    assert read_file("in.bin") == b"\x00\xff"
    assert read_file(str(folder / "in.bin")) == b"\x00\xff"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("none", "No such file or directory"),
        (".", "Is a directory"),
        ("a\0b", "embedded null byte"),
        ("", "No such file or directory"),
    ],
)
def test_what_cannot_be_read(path, reason):
    with logged() as lines:
        assert read_file(path) is None
    assert lines == [f"[ERR] [] os.readFile: cannot open file: {path}: {reason}"]


def test_a_file_that_is_too_large(folder, monkeypatch):
    monkeypatch.setattr(os_files, "MAX_FILE", 1 << 20)
    (folder / "large").write_bytes(bytes((1 << 20) + 1))
    (folder / "fits").write_bytes(bytes(1 << 20))
    with logged() as lines:
        assert read_file("large") is None
        assert read_file("/dev/zero") is None
        assert len(read_file("fits")) == 1 << 20
    assert lines[0] == "[ERR] [] os.readFile: cannot open file: large: it is larger than 1 MiB"
    assert len(lines) == 2


def test_a_fifo_stops_nobody(folder):
    os.mkfifo("pipe")
    assert read_file("pipe") == b""
    with logged() as lines:
        assert write_file("pipe", "x") is False
    assert len(lines) == 1


def test_writing(folder):
    assert write_file("out", "a longer t\u00e4xt")
    assert (folder / "out").read_bytes() == "a longer t\u00e4xt".encode()
    assert write_file("out", b"\x00\xff")
    assert (folder / "out").read_bytes() == b"\x00\xff"


@pytest.mark.parametrize("path", ["none/out", ".", "a\0b"])
def test_what_cannot_be_written(path):
    with logged() as lines:
        assert write_file(path, "x") is False
    assert len(lines) == 1
    assert lines[0].startswith(f"[ERR] [] os.writeFile: cannot open file: {path}: ")


def test_status(folder):
    (folder / "file").write_bytes(b"12345")
    (folder / "link").symlink_to("file")
    found = status("link")
    assert found["size"] == 5
    assert found["mtime"] == int((folder / "file").stat().st_mtime)
    assert all(type(value) is int for value in found.values())
    assert status("none") is None
    assert status("a\0b") is None


def test_in_a_script(folder):
    run = lambda expression: evaluate(folder, [os_files, json_global], expression)  # noqa: E731  # it is called often
    os.mkfifo(folder / "pipe")
    assert run("[os.writeFile('out', 'text'), os.writeFile('out2', new Data([65, 0]))].map(String)") == ["undefined"] * 2
    assert run("os.readFile('out')") == b"text"
    assert run("os.readFile('out2')") == b"A\0"
    assert run("[os.readFile('none'), os.writeFile('none/out', ''), os.stat('none')]") == [None, None, None]
    asked = ["isFile", "isDirectory", "isCharacterDevice", "isBlockDevice", "isFIFO", "isSymbolicLink", "isSocket"]
    answers = (
        "['out', '.', '/dev/null', 'pipe'].map(path => (stat => ["
        + ", ".join(f"stat.{name}()" for name in asked)
        + "])(os.stat(path)))"
    )
    assert [asked[row.index(True)] for row in run(answers)] == ["isFile", "isDirectory", "isCharacterDevice", "isFIFO"]
    assert all(row.count(True) == 1 for row in run(answers))
    assert sorted(run("os.stat('out')")) == sorted(os_files._FIELDS)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("os.readFile()", "argument #1 expects a string"),
        ("os.stat(7)", "argument #1 expects a string"),
        ("os.writeFile(null, '')", "argument #1 expects a string"),
        ("os.writeFile('out', 7)", "argument #2 expects a string or an instance of Data"),
    ],
)
def test_wrong_arguments(folder, call, message):
    with pytest.raises(ScriptError, match=message):
        evaluate(folder, [os_files, json_global], call)
