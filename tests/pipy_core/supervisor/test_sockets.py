"""The sockets that a supervisor keeps."""

import socket

import pytest

from pipy_core.errors import StartError
from pipy_core.process.control import Address
from pipy_core.supervisor.opener import direct_opener
from pipy_core.supervisor.sockets import Sockets
from pipy_core.testing import logged
from tests.reactor import Bench
from tests.system.pipy_process import free_ports


@pytest.fixture
def made():
    """``made(inherited)``: the sockets of a supervisor."""
    running = []

    def make(inherited=()):
        reactor = Bench()
        running.append(Sockets(reactor, direct_opener(reuse_port=False), {sock.getsockname(): sock for sock in inherited}))
        return running[-1]

    yield make
    for each in running:
        each.close()
        for sock in each._leaving.values():
            sock.close()


def addresses(count):
    return [Address("127.0.0.1", port) for port in free_ports(count)]


def connects(address):
    try:
        socket.create_connection((address.host, address.port), 1.0).close()
    except OSError:
        return False
    return True


def test_what_is_wanted_is_opened_and_what_is_not_is_let_go(made):
    first, second, third = addresses(3)
    sockets = made()
    with logged() as lines:
        sockets.keep(sockets.want([first, second]))
        sockets.keep(sockets.want([second, third]))
    assert sockets.addresses == [second, third]
    assert [connects(each) for each in (first, second, third)] == [False, True, True]
    assert [line.split("port ")[0] for line in lines] == ["[INF] [listener] Listening on "] * 3 + [
        "[INF] [listener] Stopped listening on "
    ]


def test_one_that_cannot_be_opened_changes_nothing(made):
    first, second = addresses(2)
    sockets = made()
    sockets.keep(sockets.want([first]))
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(StartError, match="Address already in use"):
        sockets.want([second, Address(*taken.getsockname())])
    assert sockets.addresses == [first]
    assert [connects(first), connects(second)] == [True, False]


def test_one_that_is_wanted_again_while_workers_close_it(made):
    (address,) = addresses(1)
    sockets = made()
    before = sockets.want([address])
    sockets.keep(before)
    sockets.keep({})
    assert not connects(address)
    after = sockets.want([address])
    sockets.keep(after)
    assert list(after.values()) == list(before.values())
    assert connects(address)


def test_one_that_somebody_else_has_opened_is_his(made):
    with socket.create_server(("127.0.0.1", 0)) as theirs:
        address = Address(*theirs.getsockname())
        sockets = made([theirs])
        for _ in range(2):
            sockets.keep(sockets.want([address]))
            sockets.keep({})
            assert connects(address)


def test_other_options_do_not_make_another_port_of_it(made):
    (address,) = addresses(1)
    sockets = made()
    sockets.keep(sockets.want([address]))
    changed = Address(address.host, address.port, transparent=True)
    with logged() as lines:
        sockets.keep(sockets.want([changed]))
    assert lines == []
    assert sockets.addresses == [changed]
    assert connects(address)


def test_after_the_end_nothing_is_wanted(made):
    (address,) = addresses(1)
    sockets = made()
    sockets.close()
    with pytest.raises(StartError, match="The program is ending"):
        sockets.want([address])
    assert not connects(address)


def test_an_end_while_the_workers_change_leaves_nothing_open(made):
    first, second = addresses(2)
    sockets = made()
    sockets.keep(sockets.want([first]))
    wanted = sockets.want([first, second])
    sockets.close()
    assert [connects(first), connects(second)] == [False, False]
    assert wanted[second].fileno() == -1
    sockets.keep(wanted)
    assert sockets.addresses == []
    assert [connects(first), connects(second)] == [False, False]
