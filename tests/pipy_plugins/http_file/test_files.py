"""Reading files, their siblings, and what is no file."""

import gzip
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_core.codebase.snapshot import Snapshot
from pipy_core.script.host import Codebase
from pipy_plugins.http_file import files
from pipy_plugins.http_file.files import answer, choose, content, describe


def open_file(path):
    return files.open_file(Codebase(Snapshot(Path.cwd(), "/main.js")), path)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    root = tmp_path / "codebase"
    (root / "www" / "sub").mkdir(parents=True)
    (root / "www" / "index.html").write_text("home")
    (root / "www" / "a.txt").write_text("plain text")
    (root / "www" / "sub" / "b.css").write_text("b {}")
    (root / "main.js").write_text("secret")
    (tmp_path / "outside.txt").write_text("outside")
    monkeypatch.chdir(root)
    return root


@pytest.mark.parametrize("path", ["www/a.txt", "/www/a.txt", "//www//a.txt", "./www/./a.txt", "www/a.txt/"])
def test_paths(path):
    file = open_file(path)
    assert content(file, "") == b"plain text"
    assert describe(file) == {"type": file.type, "codings": [], "plain": True}


@pytest.mark.parametrize("path", ["www", "www/", "/www"])
def test_a_directory_is_its_index(path):
    file = open_file(path)
    assert content(file, "") == b"home"
    assert file.type == "text/html"


@pytest.mark.parametrize(
    "path",
    [
        *("", "/", ".", "nowhere", "www/nowhere.txt", "www/sub", "www/a.txt/more", "www/a.txt\0", "\0", "n" * 5000),
        *("..", "../outside.txt", "www/../main.js", "www/../../outside.txt", "/../outside.txt", "www/sub/../a.txt", "www/.."),
    ],
)
def test_what_is_no_file(path):
    assert open_file(path) is None


@given(path=st.text(alphabet="./aw\\%2e\0", max_size=12) | st.text(max_size=10))
def test_no_path_leads_outside(path):
    try:
        file = open_file("www/" + path)
    except (OSError, ValueError):
        return
    assert file is None or content(file, "") in {b"home", b"plain text", b"b {}"}


def test_the_index_of_the_codebase_itself(folder):
    (folder / "index.html").write_text("front")
    assert content(open_file("/"), "") == b"front"


def test_links_are_followed(folder):
    (folder / "www" / "link.txt").symlink_to(folder.parent / "outside.txt")
    assert content(open_file("www/link.txt"), "") == b"outside"


def test_what_is_no_regular_file_is_not_read(folder):
    os.mkfifo(folder / "www" / "pipe")
    assert open_file("www/pipe") is None
    (folder / "www" / "null").symlink_to("/dev/null")
    assert open_file("www/null") is None


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_an_error(folder):
    (folder / "www" / "a.txt").chmod(0)
    with pytest.raises(OSError, match=r"cannot read /www/a\.txt: Permission denied"):
        open_file("www/a.txt")


def test_a_file_that_is_too_large(folder, monkeypatch):
    monkeypatch.setattr(files, "MAX_FILE", 9)
    with pytest.raises(ValueError, match=r"www/a\.txt is larger than"):
        open_file("www/a.txt")
    (folder / "www" / "z.txt.gz").write_bytes(gzip.compress(b"0123456789"))
    monkeypatch.setattr(files, "MAX_FILE", len(gzip.compress(b"0123456789")) - 20)
    with pytest.raises(ValueError, match="larger"):
        open_file("www/z.txt")


def test_a_zipped_file_that_is_too_large_when_it_is_unzipped(folder, monkeypatch):
    (folder / "www" / "z.txt.gz").write_bytes(gzip.compress(bytes(100_000)))
    monkeypatch.setattr(files, "MAX_FILE", 99_999)
    with pytest.raises(ValueError, match="when decompressed"):
        open_file("www/z.txt")


def test_siblings(folder):
    (folder / "www" / "a.txt.gz").write_bytes(b"gzipped")
    (folder / "www" / "a.txt.br").write_bytes(b"brotli")
    file = open_file("www/a.txt")
    assert describe(file)["codings"] == ["br", "gzip"]
    assert [content(file, coding) for coding in ("", "gzip", "br")] == [b"plain text", b"gzipped", b"brotli"]
    assert choose(file, "gzip") == "gzip"
    assert choose(file, "gzip, br") == "br"
    assert choose(file, "gzip, br;q=0.5") == "gzip"
    assert choose(file, "deflate") == ""
    assert len(file) == len(b"plain textgzippedbrotli")


def test_a_zipped_file_alone(folder):
    (folder / "www" / "z.txt.gz").write_bytes(gzip.compress(b"zipped"))
    file = open_file("www/z.txt")
    assert content(file, "") == b"zipped"
    assert describe(file)["plain"] is True
    (folder / "www" / "two.txt.gz").write_bytes(gzip.compress(b"one ") + gzip.compress(b"and two"))
    assert content(open_file("www/two.txt"), "") == b"one and two"


@pytest.mark.parametrize(
    "zipped", [b"not zipped", gzip.compress(b"zipped")[:-1], gzip.compress(b"zipped")[:12], gzip.compress(b"zipped") + b"more"]
)
def test_a_zipped_file_that_is_broken(folder, zipped):
    (folder / "www" / "broken.txt.gz").write_bytes(zipped)
    with pytest.raises(ValueError, match=r"cannot decompress www/broken\.txt\.gz: "):
        open_file("www/broken.txt")


def test_a_brotli_file_alone(folder):
    (folder / "www" / "z.txt.br").write_bytes(b"brotli")
    file = open_file("www/z.txt")
    assert describe(file)["plain"] is False
    assert answer(file, "GET", {})["status"] == 406
    assert answer(file, "GET", {"accept-encoding": "br"})["status"] == 200


def test_something_else_is_no_file():
    with pytest.raises(TypeError):
        describe("file")


def test_an_answer(folder):
    os.utime(folder / "www" / "a.txt", ns=(0, 10**18 + 5))
    assert answer(open_file("www/a.txt"), "GET", {}) == {
        "status": 200,
        "headers": {
            "etag": f'"{10**18 + 5:x}-a"',
            "last-modified": "Sun, 09 Sep 2001 01:46:40 GMT",
            "accept-ranges": "bytes",
            "content-type": "text/plain",
        },
        "coding": "",
        "start": 0,
        "stop": 10,
    }


def test_variants_have_tags_of_their_own(folder):
    (folder / "www" / "a.txt.gz").write_bytes(b"gzipped")
    file = open_file("www/a.txt")
    plain, zipped = answer(file, "GET", {}), answer(file, "GET", {"accept-encoding": "gzip"})
    assert plain["headers"]["etag"] != zipped["headers"]["etag"]
    assert plain["headers"]["vary"] == zipped["headers"]["vary"] == "accept-encoding"
    assert "content-encoding" not in plain["headers"]
    assert zipped["headers"]["content-encoding"] == "gzip"
    again = answer(file, "GET", {"accept-encoding": "gzip", "if-none-match": plain["headers"]["etag"]})
    assert again["status"] == 200
    fresh = answer(file, "GET", {"accept-encoding": "gzip", "if-none-match": zipped["headers"]["etag"]})
    assert fresh["status"] == 304
    assert "content-type" not in fresh["headers"]
    assert fresh["headers"]["vary"] == "accept-encoding"


def test_head_has_the_length_and_no_body():
    result = answer(open_file("www/a.txt"), "HEAD", {})
    assert (result["start"], result["stop"], result["headers"]["content-length"]) == (0, 0, "10")


def test_nothing_that_is_accepted():
    file = open_file("www/a.txt")
    assert answer(file, "GET", {"accept-encoding": "identity;q=0"})["status"] == 406
    assert answer(file, "GET", {"accept-encoding": "gzip, *;q=0.5"})["status"] == 200


def test_a_part():
    result = answer(open_file("www/a.txt"), "GET", {"range": "bytes=2-4"})
    assert (result["status"], result["start"], result["stop"]) == (206, 2, 5)
    assert result["headers"]["content-range"] == "bytes 2-4/10"
    assert result["headers"]["content-type"] == "text/plain"
