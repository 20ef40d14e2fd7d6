"""How many connections a process may have."""

import resource

import pytest

from pipy_core.limits import Limits
from pipy_core.net import admission as module
from pipy_core.net.admission import Admission, room_for_clients
from pipy_core.testing import logged


class Port:
    """Somebody who accepts."""

    def __init__(self, admission):
        self.admission = admission
        self.seen = []
        admission.join(self.changed)

    def changed(self):
        self.seen.append(self.admission.full)


def test_the_last_one_closes_the_door_and_whoever_leaves_opens_it():
    admission = Admission(Limits(max_connections=2))
    ports = [Port(admission), Port(admission)]
    with logged() as lines:
        admission.enter()
        assert not admission.full
        admission.enter()
        assert admission.full
        admission.enter()  # it was on its way
        admission.quit()
        assert admission.full
        admission.quit()
    assert not admission.full
    assert [port.seen for port in ports] == [[True, False]] * 2
    assert lines == ["[WRN] [listener] the process has 2 connections, all that it may have: more have to wait"]


def test_who_has_left_is_told_nothing():
    admission = Admission(Limits(max_connections=1))
    port = Port(admission)
    admission.leave(port.changed)
    with logged():
        admission.enter()
    assert port.seen == []


def test_without_memory_nobody_is_let_in():
    limits = Limits(max_connections=5)
    admission = Admission(limits)
    port = Port(admission)
    admission.look()
    limits.load.memory_gone = True
    admission.look()
    limits.load.memory_gone = False
    admission.look()
    assert port.seen == [True, False]


class TestDescriptors:
    @pytest.fixture
    def system(self, monkeypatch):
        """What the system is asked, and says."""
        asked = []
        values = [(100, 100)]
        monkeypatch.setattr(resource, "getrlimit", lambda _kind: values[0])
        monkeypatch.setattr(resource, "setrlimit", lambda _kind, limits: asked.append(limits))
        return values, asked

    def test_all_that_may_be_had_are_asked_for(self, system):
        values, asked = system
        values[0] = (1024, 1_000_064)
        assert room_for_clients() == 800_000
        assert asked == [(1_000_064, 1_000_064)]

    def test_where_there_is_no_limit_it_does_not_ask_for_everything(self, system):
        values, asked = system
        values[0] = (1024, resource.RLIM_INFINITY)
        assert room_for_clients() == int((module.MOST_DESCRIPTORS - module.KEPT_BACK) * 0.8)
        assert asked == [(module.MOST_DESCRIPTORS, resource.RLIM_INFINITY)]

    def test_it_does_with_less_if_it_must(self, system, monkeypatch):
        def refuse(_kind, _limits):
            raise ValueError("not that many")

        values, _ = system
        values[0] = (164, 10_000)
        monkeypatch.setattr(resource, "setrlimit", refuse)
        with logged() as lines:
            assert room_for_clients() == 80
        assert lines == ["[DBG] [listener] the limit of 164 descriptors stays: not that many"]

    @pytest.mark.parametrize(("descriptors", "room"), [(1, 1), (10, 4), (64, 25), (128, 51)])
    def test_half_of_few_is_kept_back_and_there_is_room_for_one_at_least(self, system, descriptors, room):
        values, asked = system
        values[0] = (descriptors, descriptors)
        assert room_for_clients() == room
        assert asked == []
