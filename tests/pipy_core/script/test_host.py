"""Questions of scripts: what comes back, and the files a script is made of."""

import json
import os

import pytest

from pipy_core.codebase.snapshot import Snapshot
from pipy_core.context import UNDEFINED
from pipy_core.errors import ArgumentError, LoadError
from pipy_core.script.codec import Codec
from pipy_core.script.host import Codebase, HostFunctions, log, text_of
from pipy_core.testing import logged


@pytest.fixture
def ask():
    """``ask(function, *arguments)``: the answer, as the script gets it."""

    def run(function, *arguments):
        host = HostFunctions(Codec(), {"function": function})
        return json.loads(host.answer(json.dumps(["function", arguments])))

    return run


def throw(error):
    raise error


class TestAnswers:
    def test_values(self, ask):
        assert ask(lambda a, b: a + b, 1, 2) == {"value": 3}
        assert ask(lambda: None) == {"value": None}
        assert ask(lambda text: text, "ä😀") == {"value": "ä😀"}

    def test_bytes_in_and_bytes_out(self):
        codec = Codec()
        host = HostFunctions(codec, {"turn": lambda payload: payload[::-1]})
        answer = json.loads(host.answer('["turn", [{"p": ["abc", {"x": "\\u00ff"}]}]]'))
        number, size = answer["value"][1:]
        assert size == 4
        assert codec.payload([[number, 0, size]]) == b"\xffcba"

    @pytest.mark.parametrize("error", [ValueError("bad"), OSError("bad"), TypeError("bad"), ArgumentError("bad")])
    def test_what_a_function_may_raise(self, ask, error):
        with logged() as lines:
            assert ask(throw.__get__(error)) == {"error": "bad"}
        assert lines == []

    def test_a_bug_of_a_function_is_logged_and_told(self, ask):
        with logged() as lines:
            assert ask(lambda: 1 // 0) == {"error": "function: ZeroDivisionError('integer division or modulo by zero')"}
        assert "bug in the host function function" in lines[0]
        assert "Traceback" in lines[0]

    def test_a_result_that_cannot_cross_is_an_error(self, ask):
        assert "unsupported" in ask(object)["error"]

    def test_a_function_that_does_not_exist(self):
        with logged() as lines:
            assert "nobody" in HostFunctions(Codec(), {}).answer('["nobody", []]')
        assert len(lines) == 1

    def test_a_later_function_replaces_one_of_the_same_name(self, ask):
        host = HostFunctions(Codec(), {"x": lambda: 1})
        host.add("x", lambda: 2)
        assert json.loads(host.answer('["x", []]')) == {"value": 2}


class TestText:
    @pytest.mark.parametrize(
        ("encoding", "text"),
        [("utf8", "hi>?"), ("hex", "68693e3f"), ("base64", "aGk+Pw=="), ("base64url", "aGk-Pw")],
    )
    def test_encodings(self, encoding, text):
        assert text_of(b"hi>?", encoding) == text

    def test_what_is_no_utf8_is_undefined(self):
        assert text_of(b"\xff", "utf8") is UNDEFINED

    @pytest.mark.parametrize(
        ("level", "tag"), [("info", "INF"), ("debug", "DBG"), ("warning", "WRN"), ("error", "ERR"), ("bind", "INF")]
    )
    def test_only_levels_can_be_chosen(self, level, tag):
        with logged() as lines:
            log(level, "text")
        assert lines == [f"[{tag}] [] text"]


class TestCodebase:
    def test_files_are_found_from_the_root(self, tmp_path):
        (tmp_path / "sub").mkdir()
        (tmp_path / "sub" / "file").write_bytes(b"\xff")
        codebase = Codebase(Snapshot(tmp_path, "/main.js"))
        assert codebase.read("/sub/file") == b"\xff"
        assert codebase.read("/sub") is None
        assert codebase.read("/sub/file/more") is None
        assert codebase.read("/nothing") is None

    def test_sources_are_kept_for_messages(self, tmp_path):
        (tmp_path / "a.js").write_text("one\ntwo")
        codebase = Codebase(Snapshot(tmp_path, "/main.js"))
        assert codebase.source("/a.js") == "one\ntwo"
        (tmp_path / "a.js").write_text("changed")
        assert [codebase.line("/a.js", number) for number in (0, 1, 2, 3)] == ["", "one", "two", ""]
        assert codebase.line("/other.js", 1) == ""
        assert codebase.source("/other.js") is None

    @pytest.mark.parametrize(
        ("content", "source"),
        [(b"#!/bin/pipy\npipy()", "///bin/pipy\npipy()"), (b"\xef\xbb\xbfpipy()", "pipy()"), (b"\xef\xbb\xbf#!x", "//x")],
    )
    def test_first_lines(self, tmp_path, content, source):
        (tmp_path / "a.js").write_bytes(content)
        assert Codebase(Snapshot(tmp_path, "/main.js")).source("/a.js") == source

    def test_what_is_no_text(self, tmp_path):
        (tmp_path / "a.js").write_bytes(b"\xff")
        with pytest.raises(LoadError, match=r"^Error: /a\.js is not UTF-8 text"):
            Codebase(Snapshot(tmp_path, "/main.js")).source("/a.js")

    def test_the_line_with_the_first_byte_that_is_no_text_is_named(self, tmp_path):
        (tmp_path / "a.js").write_bytes("pipy()\n  // \u00fc\xfc".encode("utf-8") + b"\n\xfc")
        with pytest.raises(LoadError, match=r"there is a byte 0xfc in line 3$"):
            Codebase(Snapshot(tmp_path, "/main.js")).source("/a.js")

    def test_what_is_pinned_counts_until_the_script_is_loaded(self, tmp_path):
        (tmp_path / "a.js").write_text("on the disk")
        (tmp_path / "b.js").write_text("on the disk")
        codebase = Codebase(Snapshot(tmp_path, "/a.js", pinned={"/a.js": b"pinned", "/b.js": None}))
        assert (codebase.source("/a.js"), codebase.read("/b.js")) == ("pinned", None)
        codebase.settle()
        assert (codebase.read("/a.js"), codebase.read("/b.js")) == (b"on the disk", b"on the disk")

    def test_what_was_read_is_kept_for_others(self, tmp_path, monkeypatch):
        monkeypatch.setattr("pipy_core.script.host.RECORDED_LIMIT", 20)
        (tmp_path / "a.js").write_text("#!text")
        (tmp_path / "large").write_bytes(bytes(20))
        codebase = Codebase(Snapshot(tmp_path, "/a.js"), recording=True)
        for path in ("/a.js", "/large", "/none"):
            codebase.source(path)
        assert codebase.seen == {"/a.js": b"#!text", "/none": None}
        codebase.settle()
        (tmp_path / "later").write_text("x")
        codebase.read("/later")
        assert "/later" not in codebase.seen

    def test_nothing_is_kept_for_nobody(self, tmp_path):
        codebase = Codebase(Snapshot(tmp_path, "/a.js"))
        codebase.read("/a.js")
        assert codebase.seen == {}

    def test_what_cannot_be_read_is_told_in_words(self, tmp_path):
        (tmp_path / "loop").symlink_to("loop")
        with pytest.raises(OSError, match=r"^cannot read /loop: Too many levels of symbolic links$"):
            Codebase(Snapshot(tmp_path, "/main.js")).read("/loop")


def test_an_entry_of_the_codebase(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"content")
    (tmp_path / "folder").mkdir()
    os.utime(tmp_path / "a.txt", ns=(1, 5))
    os.mkfifo(tmp_path / "pipe")
    codebase = Codebase(Snapshot(tmp_path, "/main.js"))
    assert codebase.entry("/a.txt", 7) == (b"content", 5)
    with pytest.raises(ValueError, match=r"a\.txt is larger than 0 MiB"):
        codebase.entry("/a.txt", 6)
    for path in ("/none", "/folder", "/pipe", "/a.txt/b", "/" + "n" * 5000):
        assert codebase.entry(path, 7) is None
