"""Whom to run as. That it is for good, see the system tests."""

import os
import pwd

import pytest

from pipy_core.errors import StartError
from pipy_core.process import privileges
from pipy_core.process.privileges import identity


@pytest.fixture
def root(monkeypatch):
    """We are root."""
    monkeypatch.setattr(privileges.os, "geteuid", lambda: 0)


@pytest.fixture
def nobody(monkeypatch):
    """We are nobody."""
    known = pwd.getpwnam("nobody")
    monkeypatch.setattr(privileges.os, "geteuid", lambda: known.pw_uid)
    monkeypatch.setattr(privileges.os, "getegid", lambda: known.pw_gid)


def test_a_user_by_name_and_by_number(root):
    known = pwd.getpwnam("nobody")
    by_name = identity("nobody", "")
    assert by_name == identity(str(known.pw_uid), "")
    assert (by_name.user, by_name.group, by_name.home) == (known.pw_uid, known.pw_gid, known.pw_dir)


def test_a_group_instead_of_the_users_own(root):
    assert identity("nobody", "daemon").group == identity("nobody", str(identity("daemon", "").group)).group


def test_a_group_alone(root):
    assert identity("", "daemon").user == 0


@pytest.mark.parametrize(("user", "group"), [("no such user", ""), ("", "no such group"), ("4294967000", "")])
def test_whoever_does_not_exist(root, user, group):
    with pytest.raises(StartError, match="there is no such"):
        identity(user, group)


def test_who_we_are_already(nobody):
    assert identity("nobody", "") is None


def test_only_root_can_become_somebody_else(nobody):
    with pytest.raises(StartError, match="Cannot run as daemon: only root can"):
        identity("daemon", "")
    with pytest.raises(StartError, match="Cannot run as nobody:daemon: only root can"):
        identity("", "daemon")


def test_what_the_system_refuses_is_said(monkeypatch):
    def refuse(_name, _group):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(privileges.os, "initgroups", refuse)
    with pytest.raises(StartError, match="Cannot run as me: Operation not permitted"):
        privileges.become(privileges.Identity("me", 1, 1, "/"))


@pytest.fixture
def system(monkeypatch):
    """A system that does what it is told, and takes back what its ``locks`` say: names of calls that root alone may make."""

    class System:
        def __init__(self):
            self.calls = []
            self.locks = {"setuid", "seteuid", "setgid", "setegid"}
            self.stays = False

        def step(self, name):
            def call(*given):
                self.calls.append((name, *given))
                if given == (0,) and name in self.locks:
                    raise PermissionError(1, "Operation not permitted")

            return call

    made = System()
    for name in ("initgroups", "setuid", "seteuid", "setgid", "setegid"):
        monkeypatch.setattr(privileges.os, name, made.step(name))
    for name, number in (("getuid", 5), ("geteuid", 5), ("getgid", 6), ("getegid", 6)):
        monkeypatch.setattr(privileges.os, name, lambda number=number: 0 if made.stays else number)
    for name in ("USER", "LOGNAME", "HOME"):
        monkeypatch.setenv(name, "root")
    return made


ME = privileges.Identity("me", 5, 6, "/home/me")


def test_groups_first_and_the_user_last(system):
    privileges.become(ME)
    assert system.calls[:3] == [("initgroups", "me", 6), ("setgid", 6), ("setuid", 5)]
    assert [os.environ[name] for name in ("USER", "LOGNAME", "HOME")] == ["me", "me", "/home/me"]


@pytest.mark.parametrize("way", ["setuid", "seteuid", "setgid", "setegid"])
def test_a_way_back_is_found(system, way):
    system.locks.remove(way)
    with pytest.raises(StartError, match="did not take the rights of root away"):
        privileges.become(ME)
    assert os.environ["USER"] == "root"


def test_a_system_that_changes_nothing(system):
    system.stays = True
    with pytest.raises(StartError, match="did not take the rights of root away"):
        privileges.become(ME)
