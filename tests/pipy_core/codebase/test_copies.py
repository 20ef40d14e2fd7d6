"""One copy on the disk: whether it is whole, and who uses it."""

import msgspec.json
import pytest

from pipy_core.codebase.client import Validators
from pipy_core.codebase.copies import damage_of, is_same, is_used, use
from pipy_core.codebase.download import About, digest_of

FILES = {"/main.js": b"pipy()", "/lib/a.json": b"{}"}


def make(directory, files=FILES, main="/main.js", **digests):
    """A copy of *files*; *digests* are told beside theirs, by their paths."""
    for path, content in files.items():
        file = directory / "files" / path[1:]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    told = {path: digest_of(content) for path, content in files.items()} | digests
    about = About(main, "7", 5.0, "/app/", "", told, {"": Validators()}, False)
    (directory / "about.json").write_bytes(msgspec.json.encode(about))
    return directory


@pytest.fixture
def copy(tmp_path):
    made = use(make(tmp_path / "one"))
    yield made
    made.release()


def test_what_it_is(copy, tmp_path):
    assert copy.name == "one"
    assert (copy.snapshot.root, copy.snapshot.main, copy.snapshot.version) == (tmp_path / "one" / "files", "/main.js", "7")
    assert damage_of(copy) == ""


def test_it_is_used_until_everybody_has_released_it(tmp_path):
    directory = make(tmp_path / "one")
    assert not is_used(directory)
    first, second = use(directory), use(directory)
    assert is_used(directory)
    first.release()
    assert is_used(directory)
    second.release()
    assert not is_used(directory)


@pytest.mark.parametrize("content", [None, b"", b"{", b"{}", b'{"main": 7}'])
def test_one_that_nothing_is_known_of(tmp_path, copy, content):
    directory = make(tmp_path / "other")
    (directory / "about.json").unlink()
    if content is not None:
        (directory / "about.json").write_bytes(content)
    with pytest.raises((OSError, msgspec.DecodeError)):
        use(directory)
    assert not is_used(directory)  # and nothing of it is held
    assert is_same(directory, copy)  # it is of no use beside it


@pytest.mark.parametrize(
    ("broken", "damage"),
    [
        ({"main": "/other.js"}, "it has no main script"),
        ({"/main.js": digest_of(b"old")}, "/main.js has been changed"),
        ({"/gone.js": digest_of(b"")}, "/gone.js: No such file or directory"),
        ({"/../etc/passwd": digest_of(b"")}, "it lists '/../etc/passwd', "),
    ],
)
def test_damage(tmp_path, broken, damage):
    copy = use(make(tmp_path / "one", **broken))
    assert damage_of(copy).startswith(damage)
    copy.release()


def test_the_same_files(tmp_path, copy):
    assert is_same(make(tmp_path / "two"), copy)
    assert not is_same(make(tmp_path / "three", {"/main.js": b"other"}), copy)
