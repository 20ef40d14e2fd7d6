import os
import subprocess
import sys
import time

import pytest

from pipy_core.codebase.client import Validators
from pipy_core.codebase.download import About, digest_of
from pipy_core.codebase.store import GOOD_COPIES, USED_COPIES, Store
from pipy_core.testing import logged


def about(files, version="1", main="/a.js"):
    digests = {path: digest_of(content) for path, content in files.items()}
    return About(main, version, time.time(), "/app/", "", digests, {"": Validators()}, False)


def add(store, text, *, accept=True):
    files = {"/a.js": text.encode(), "/sub/b.json": b"{}"}
    snapshot = store.add(files, about(files, text))
    if accept:
        store.accept(snapshot)
    return snapshot


def copies(directory):
    return {entry.name for entry in directory.iterdir() if entry.is_dir()}


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "cache" / "host")
    yield store
    store.close()


def test_a_copy_is_written_and_found_again(store, tmp_path):
    snapshot = add(store, "one")
    assert (snapshot.main, snapshot.version) == ("/a.js", "one")
    assert (snapshot.root / "a.js").read_text() == "one"
    assert (snapshot.root / "sub" / "b.json").read_bytes() == b"{}"
    assert store.has_good
    found = Store(tmp_path / "cache" / "host").last_good()
    assert found.snapshot == snapshot
    assert found.about.version == "one"


def test_only_what_was_accepted_is_good(store):
    first = add(store, "one")
    refused = add(store, "broken", accept=False)
    assert store.last_good().snapshot == first
    add(store, "two")
    assert not refused.root.exists()


def test_nothing_is_good_at_first(store):
    add(store, "one", accept=False)
    assert not store.has_good
    assert store.last_good() is None


def test_another_snapshot_is_not_accepted(store, tmp_path):
    refused = add(store, "one", accept=False)
    newer = add(store, "two", accept=False)
    store.accept(refused)
    assert not store.has_good
    store.accept(newer)
    assert store.last_good().snapshot == newer


@pytest.mark.parametrize("damage", ["changed", "gone", "about", "about gone", "main"])
def test_a_damaged_copy_is_left_out(store, damage):
    first = add(store, "one")
    second = add(store, "two")
    if damage == "changed":
        (second.root / "sub" / "b.json").write_text("{ }")
    elif damage == "gone":
        (second.root / "a.js").unlink()
    elif damage == "about":
        (second.root.parent / "about.json").write_bytes(b"\xff{")
    elif damage == "about gone":
        (second.root.parent / "about.json").unlink()
    else:
        files = {"/a.js": b"x"}
        third = store.add(files, about(files, main="/b.js"))
        store.accept(third)
    with logged() as lines:
        found = store.last_good()
    assert found.snapshot == (second if damage == "main" else first)
    assert len(lines) == 1
    assert "cannot be used: " in lines[0]


@pytest.mark.parametrize("content", [b"", b"{}", b'["../../etc", ".x", "none"]', b"\xff"])
def test_a_damaged_list(store, content, tmp_path):
    add(store, "one")
    (tmp_path / "cache" / "host" / "good.json").write_bytes(content)
    with logged() as lines:
        assert store.last_good() is None
    assert lines
    newer = add(store, "two")
    assert store.last_good().snapshot == newer


def test_paths_in_a_damaged_copy_lead_nowhere(store, tmp_path):
    (tmp_path / "secret").write_bytes(b"x")
    files = {"/a.js": b"one"}
    wrong = about({**files, "/../../../../secret": b"x"})
    snapshot = store.add(files, wrong)
    store.accept(snapshot)
    with logged() as lines:
        assert store.last_good() is None
    assert "which is not a plain path" in lines[0]


def test_old_copies_go_and_used_ones_stay(store, tmp_path):
    directory = tmp_path / "cache" / "host"
    snapshots = [add(store, f"version {number}") for number in range(USED_COPIES + 3)]
    assert [snapshot.root.exists() for snapshot in snapshots] == [False] * 3 + [True] * USED_COPIES
    store.close()
    assert len(copies(directory)) == USED_COPIES
    other = Store(directory)
    add(other, "next")
    assert len(copies(directory)) == GOOD_COPIES
    other.close()


def test_the_same_content_again_does_not_push_out_the_one_before(store):
    first = add(store, "one")
    add(store, "two")
    newest = add(store, "two")
    (newest.root / "a.js").write_text("damaged")
    with logged():
        assert store.last_good().snapshot == first


def test_two_processes_share_a_directory(store, tmp_path):
    directory = tmp_path / "cache" / "host"
    other = Store(directory)
    ours = [add(store, f"ours {number}") for number in range(4)]
    theirs = [add(other, f"theirs {number}") for number in range(4)]
    assert all(snapshot.root.exists() for snapshot in ours + theirs)
    assert store.last_good().snapshot == theirs[-1]
    other.close()


def test_what_a_process_left_behind_when_it_was_killed_is_removed(store, tmp_path):
    directory = tmp_path / "cache" / "host"
    (directory / ".half" / "files").mkdir(parents=True)
    add(store, "one")
    assert len(copies(directory)) == 1


def test_a_copy_that_cannot_be_written_leaves_nothing(store, tmp_path):
    first = add(store, "one")
    files = {"/a": b"", "/a/b": b""}
    with pytest.raises(FileExistsError):
        store.add(files, about(files))
    assert copies(tmp_path / "cache" / "host") == {first.root.parent.name}
    assert store.last_good().snapshot == first


def test_a_directory_that_others_may_write(tmp_path):
    tmp_path.chmod(0o777)
    with pytest.raises(PermissionError, match="others may write there"):
        Store(tmp_path)


def test_a_directory_that_can_only_be_read(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    with pytest.raises(PermissionError, match="nothing can be written there"):
        Store(tmp_path / "host")


def test_nobody_else_reads_it(store, tmp_path):
    assert (tmp_path / "cache" / "host").stat().st_mode & 0o777 == 0o700


WRITER = """
import sys, time
from pathlib import Path
from tests.pipy_core.codebase.test_store import add
from pipy_core.codebase.store import Store
store = Store(Path(sys.argv[1]))
for number in range(30):
    add(store, f"{sys.argv[2]} {number}" * 1000)
    found = store.last_good()
    assert found is not None
"""


def test_processes_that_write_at_the_same_time_find_whole_copies(tmp_path):
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path / "host"), name], stderr=subprocess.PIPE) for name in "ab"
    ]
    for writer in writers:
        _, errors = writer.communicate(timeout=300)
        assert (writer.returncode, errors) == (0, b"")
    with logged() as lines:
        assert Store(tmp_path / "host").last_good() is not None
    assert lines == []


def test_a_process_that_is_killed_leaves_a_whole_copy(tmp_path):
    found = 0
    for number in range(5):
        command = [sys.executable, "-c", WRITER.replace("range(30)", "range(10_000)"), str(tmp_path / "host"), "a"]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as writer:
            deadline = time.monotonic() + 60
            while not (tmp_path / "host" / "good.json").exists() and time.monotonic() < deadline:
                time.sleep(0.001)
            try:
                writer.wait(0.03 * number)
            except subprocess.TimeoutExpired:
                writer.kill()
        store = Store(tmp_path / "host")
        with logged() as lines:
            found += store.last_good() is not None
        assert lines == []
        add(store, "next")
        assert len(copies(tmp_path / "host")) <= GOOD_COPIES + 1
        store.close()
    assert found == 5
