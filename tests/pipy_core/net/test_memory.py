"""The memory of the process."""

import errno
import gc
import os
import weakref

import psutil
import pytest

from pipy_core.limits import Limits
from pipy_core.net import memory as module
from pipy_core.net.memory import (
    COLLECT_AT,
    MEMORY_LIMIT,
    MemoryWatch,
    memory_in_use,
    memory_limit,
    memory_there_is,
    release_memory,
    settle_memory,
)
from pipy_core.testing import logged


class Knot:
    """Refers to itself, so that only the collector can find it."""

    def __init__(self):
        self.itself = self


@pytest.fixture(autouse=True)
def _as_before():
    threshold = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*threshold)


def test_the_memory_in_use_is_that_of_a_python_process():
    assert 5 << 20 < memory_in_use() < 64 << 30


def test_a_system_that_does_not_say_is_no_failure(monkeypatch):
    def process():
        raise psutil.NoSuchProcess(1)

    monkeypatch.setattr(psutil, "Process", process)
    assert 5 << 20 < memory_in_use() < 64 << 30


def test_what_there_is_when_memory_settles_is_not_looked_at_again():
    settle_memory()
    assert gc.get_freeze_count() > 0
    assert gc.get_threshold() == COLLECT_AT


def test_what_has_become_garbage_since_goes_when_memory_settles_again():
    knot = Knot()
    settle_memory()
    seen = weakref.ref(knot)
    del knot
    gc.collect()
    assert seen() is not None
    settle_memory()
    assert seen() is None


class TestHowMuchThereIs:
    @pytest.fixture
    def root(self, tmp_path):
        def write(**files):
            for name, text in files.items():
                path = tmp_path / name.replace("__", "/").replace("_max", ".max").replace("_in_bytes", ".limit_in_bytes")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            return tmp_path

        return write

    def test_the_machine_has_so_much(self, tmp_path):
        assert memory_there_is(tmp_path) > 64 << 20

    def test_a_container_has_less(self, root):
        assert memory_there_is(root(sys__fs__cgroup__memory_max="1048576\n")) == 1 << 20

    def test_a_container_without_a_limit_has_all(self, root, tmp_path):
        assert memory_there_is(root(sys__fs__cgroup__memory_max="max\n")) == memory_there_is(tmp_path / "nowhere")

    def test_the_first_version_of_cgroups(self, root):
        assert memory_there_is(root(sys__fs__cgroup__memory__memory_in_bytes="2097152\n")) == 2 << 20

    def test_the_group_of_this_process_alone(self, root):
        assert memory_there_is(root(proc__self__cgroup="0::/a\n", sys__fs__cgroup__a__memory_max="4096\n")) == 4096
        first = root(proc__self__cgroup="5:cpu,memory:/b\n3:pids:/c\n", sys__fs__cgroup__memory__b__memory_in_bytes="8192\n")
        assert memory_there_is(first) == 8192

    def test_nobody_knows(self, tmp_path, monkeypatch):
        def unknown(_name):
            raise ValueError("unrecognized")

        monkeypatch.setattr(os, "sysconf", unknown)
        with logged() as lines:
            assert memory_there_is(tmp_path) == 0
        assert lines == ["[DBG] [memory] the system does not say how much memory there is: unrecognized"]

    @pytest.mark.parametrize(
        ("set_to", "processes", "there_is", "expected"),
        [
            (100, 4, 1 << 40, 100 << 20),
            (0, 1, 1 << 40, MEMORY_LIMIT),
            (0, 1, 1000, 900),
            (0, 4, 1000, 225),
            (0, 2, 0, MEMORY_LIMIT),
        ],
    )
    def test_what_a_process_may_have(self, monkeypatch, set_to, processes, there_is, expected):
        monkeypatch.setattr(module, "memory_there_is", lambda: there_is)
        assert memory_limit(Limits(memory_limit=set_to), processes) == expected


class TestWatch:
    def test_it_says_when_memory_is_short_and_when_it_is_not_any_more(self, monkeypatch):
        released = []
        monkeypatch.setattr(module, "release_memory", lambda: released.append(1))
        limits = Limits(memory_limit=1000)
        used = [0]
        watch = MemoryWatch(limits, 1, lambda: used[0] << 20)
        seen = []
        with logged() as lines:
            for used[0] in (500, 849, 851, 900, 951, 851, 801, 851, 799, 801, 1001):
                over = watch.look()
                seen.append((limits.load.memory_short, limits.load.memory_gone, over))
        calm, short, gone = (False, False, False), (True, False, False), (True, True, False)
        assert seen == [calm, calm, short, short, gone, short, short, short, calm, calm, (True, True, True)]
        assert lines == [
            "[WRN] [memory] 851 MB of 1000 MB of memory are used: new requests are refused",
            "[INF] [memory] 799 MB of 1000 MB of memory are used: requests are taken again",
            "[WRN] [memory] 1001 MB of 1000 MB of memory are used: new requests are refused",
        ]
        assert len(released) == 1  # not at every look

    def test_without_a_descriptor_to_look_it_up_with_nothing_has_changed(self, monkeypatch):
        def process():
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

        monkeypatch.setattr(psutil, "Process", process)
        limits = Limits(memory_limit=1)  # far less than there is
        assert not MemoryWatch(limits, 1).look()
        assert not limits.load.memory_short
        assert 5 << 20 < memory_in_use() < 64 << 30

    def test_what_is_free_is_given_back(self):
        knot = Knot()
        seen = weakref.ref(knot)
        del knot
        release_memory()
        assert seen() is None
