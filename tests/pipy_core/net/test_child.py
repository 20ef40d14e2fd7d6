"""Child processes: both pipes, the end, who has to wait, and that nobody stays a zombie."""

import gc
import os
import signal
import sys
from pathlib import Path

import gevent
import pytest

from pipy_core.events import END, EOS, Data, Failure, MessageStart, StreamEnd
from pipy_core.net import child as module
from pipy_core.net import ending
from pipy_core.net.child import Child
from pipy_core.net.writer import HIGH_WATER
from pipy_core.turn import Valve

OPTIONS = {"env": {}, "cwd": "", "merge": False}


class Bystander:
    """A child process and what was heard of it."""

    def __init__(self, reactor):
        self.reactor = reactor
        self.events = []
        self.codes = []
        self.on_event = lambda _event: None

    def run(self, *arguments, **options):
        self.child = Child(self.reactor, arguments, {**OPTIONS, **options}, self._reply, self.codes.append)
        self.pid = self.child._process.pid
        return self

    def _reply(self, event):
        self.events.append(event)
        self.on_event(event)

    def feed(self, *events):
        self.reactor.later(lambda: [self.child.feed(event) for event in events])

    @property
    def output(self):
        return b"".join(event.payload for event in self.events if isinstance(event, Data))

    @property
    def ended(self):
        return bool(self.events) and isinstance(self.events[-1], StreamEnd)

    @property
    def reaped(self):
        return self.child._code is not None

    def finish(self):
        self.reactor.until(lambda: self.ended and self.reaped)
        assert not Path(f"/proc/{self.pid}").exists()
        return self.output


@pytest.fixture
def run(reactor):
    """``run("cat")``: a child process."""
    started = []

    def start(*arguments, **options):
        started.append(Bystander(reactor).run(*arguments, **options))
        return started[-1]

    gc.disable()  # what other tests have left behind is not closed meanwhile
    try:
        before = descriptors()
        yield start
        for each in started:
            each.child.close()
            reactor.until(lambda each=each: each.reaped)
        assert descriptors() == before
    finally:
        gc.enable()


def descriptors():
    return sum(1 for _ in Path("/proc/self/fd").iterdir()) if sys.platform == "linux" else 0


@pytest.fixture(params=["told", "looking"])
def either_way(request, monkeypatch):
    """The system tells when a process ends, or has to be asked."""
    if request.param == "looking":
        monkeypatch.delattr(os, "pidfd_open", raising=False)
        monkeypatch.setattr(ending, "LOOK_EVERY", 0.01)


def test_what_goes_in_comes_out(run, reactor):
    cat = run("cat")
    cat.feed(MessageStart(), Data(b"one"), Data(b""), END)
    reactor.until(lambda: cat.output == b"one")
    cat.feed(Data(b"two"))
    reactor.until(lambda: cat.output == b"onetwo")
    assert cat.child.busy()
    cat.child.drain()
    cat.feed(EOS)
    assert cat.finish() == b"onetwo"
    assert not cat.child.busy()
    assert cat.codes == [0]
    assert cat.events[-1] == EOS


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 3", 3), ("kill -9 $$", -9)])
def test_how_it_ended(run, script, code):
    shell = run("sh", "-c", script)
    shell.finish()
    assert shell.codes == [code]


def test_the_end_of_its_output_is_not_its_end(run, reactor):
    shell = run("sh", "-c", "exec >&-; read line; exit 4")
    reactor.until(lambda: shell.child._output is None)
    assert not shell.ended
    shell.feed(Data(b"go\n"))
    shell.finish()
    assert shell.codes == [4]


def test_its_end_is_not_the_end_of_its_output(run):
    assert run("sh", "-c", "(read line; sleep 0.1; echo late) <&0 & exit 0").finish() == b"late\n"


def test_much_in_little_memory(run, reactor):
    size = 20 * 1024 * 1024
    cat = run("cat")
    count = 0
    most = 0

    def feed():
        nonlocal count, most
        while count < size:
            cat.child.feed(Data(bytes(65536)))
            count += 65536
            most = max(most, cat.child._input.unsent)
            held = reactor.finish()
            if held:
                held[0].when_open(lambda: reactor.loop.run_callback(feed))
                return
        cat.child.feed(EOS)
        reactor.finish()

    reactor.loop.run_callback(feed)
    assert len(cat.finish()) == size
    assert HIGH_WATER <= most <= HIGH_WATER + 65536


def test_its_output_waits_for_whoever_is_too_full(run, reactor):
    valves = [Valve(), Valve()]
    shell = run("sh", "-c", "echo one; read line; echo two")

    def fill(event):
        if isinstance(event, Data):
            for valve in valves:
                valve.close()
                reactor.turn.held.append(valve)

    shell.on_event = fill
    reactor.until(lambda: shell.output == b"one\n")
    shell.feed(Data(b"\n"))
    for valve in valves:
        gevent.sleep(0.02)
        assert shell.output == b"one\n"
        reactor.run(valve.open)
    reactor.until(lambda: shell.output == b"one\ntwo\n")
    for valve in valves:
        reactor.run(valve.open)
    shell.finish()


def test_what_it_does_not_read_is_dropped(run, reactor):
    shell = run("sh", "-c", "exec <&-; echo closed; sleep 0.1")
    reactor.until(lambda: shell.output)
    shell.feed(Data(bytes(100)), Data(bytes(100)), EOS)
    shell.finish()
    assert shell.codes == [0]


def test_who_waits_for_it_to_read_may_go_on_when_it_has_ended(run, reactor):
    sleeper = run("sleep", "60")
    sleeper.feed(Data(bytes(HIGH_WATER * 2)))
    reactor.until(lambda: sleeper.child._input.unsent)
    valve = sleeper.child._input._valve
    assert valve.closed
    os.kill(sleeper.pid, signal.SIGTERM)
    sleeper.finish()
    assert not valve.closed


def test_too_much_for_somebody_who_cannot_wait(run, reactor, monkeypatch):
    monkeypatch.setattr("pipy_core.net.writer.HARD_LIMIT", HIGH_WATER * 2)
    sleeper = run("sleep", "60")
    sleeper.feed(*[Data(bytes(HIGH_WATER))] * 4)
    reactor.until(lambda: sleeper.ended)
    assert sleeper.events == [StreamEnd(Failure.BUFFER_OVERFLOW)]
    reactor.until(lambda: sleeper.reaped)
    assert sleeper.child._code == -signal.SIGTERM


@pytest.mark.usefixtures("either_way")
def test_nobody_wants_it_any_more(run, reactor):
    sleeper = run("sleep", "60")
    sleeper.child.close()
    sleeper.child.close()
    reactor.until(lambda: sleeper.reaped)
    assert sleeper.child._code == -signal.SIGTERM
    assert sleeper.events == []
    assert sleeper.codes == []


def test_it_does_not_want_to_end(run, reactor, monkeypatch):
    monkeypatch.setattr(module, "KILL_AFTER", 0.05)
    shell = run("sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done")
    reactor.until(lambda: shell.output)
    shell.child.close()
    reactor.until(lambda: shell.reaped)
    assert shell.child._code == -signal.SIGKILL


def test_it_is_closed_by_what_it_says(run, reactor):
    shell = run("sh", "-c", "echo enough; cat")
    shell.on_event = lambda _event: shell.child.close()
    reactor.until(lambda: shell.reaped)
    assert shell.output == b"enough\n"


def test_what_goes_wrong_with_its_output_is_reported(run, reactor):
    def fail(_event):
        raise ZeroDivisionError

    cat = run("cat")
    cat.on_event = fail
    cat.feed(Data(b"x"))
    reactor.until(lambda: cat.reaped)
    assert [(where, type(error)) for where, error in reactor.reports] == [("child process", ZeroDivisionError)]
    reactor.reports.clear()


def test_where_it_runs_and_with_what(run, tmp_path):
    assert run("sh", "-c", "echo $PWD $MORE $HOME", cwd=str(tmp_path), env={"MORE": "of it", "HOME": "none"}).finish() == (
        f"{tmp_path} of it none\n".encode()
    )


def test_standard_error_may_be_part_of_its_output(run):
    assert run("sh", "-c", "echo wrong >&2", merge=True).finish() == b"wrong\n"


def test_it_gets_no_descriptors_but_its_own_and_no_signals_blocked(run):
    first = run("cat")  # whose pipes the second one must not have
    assert run("sh", "-c", "ls /proc/self/fd | wc -l").finish().strip() == b"4", "three, and the directory itself"
    assert b"SigBlk:\t0000000000000000" in run("cat", "/proc/self/status").finish()
    first.feed(EOS)
    first.finish()


@pytest.mark.parametrize(("arguments", "options", "error"), [
    (["/no/such/program"], {}, FileNotFoundError),
    (["/"], {}, PermissionError),
    (["cat"], {"cwd": "/no/such/place"}, FileNotFoundError),
    (["cat", "\0"], {}, ValueError),
])  # fmt: skip
def test_what_cannot_be_run(reactor, arguments, options, error):
    gc.collect()  # what other tests have left behind is not closed meanwhile
    before = descriptors()
    with pytest.raises(error):
        Child(reactor, arguments, {**OPTIONS, **options}, print, print)
    assert descriptors() == before
