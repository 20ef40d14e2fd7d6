"""One worker as its supervisor sees it: with a channel and a process that are played. Real ones are in the system tests."""

import socket
from types import SimpleNamespace

import gevent
import pytest

from pipy_core.errors import RelayedError
from pipy_core.process import control
from pipy_core.process.control import Address
from pipy_core.settings import Settings
from pipy_core.supervisor import process as module
from pipy_core.supervisor.process import BEAT_LIMIT, START_LIMIT, WorkerEnded, WorkerProcess, interpreter_options, why


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (0, "exit code 0"),
        (1, "exit code 1"),
        (70, "its script used all memory it may have, or it was stuck (exit code 70)"),
        (-9, "killed by SIGKILL"),
        (137, "killed by SIGKILL"),
        (-5, "killed by SIGTRAP (the script engine gave up)"),
        (133, "killed by SIGTRAP (the script engine gave up)"),
        (-6, "killed by SIGABRT (the script engine gave up)"),
        (-60, "killed by signal 60"),
    ],
)
def test_why_a_worker_has_ended(code, reason):
    assert why(code) == reason


@pytest.mark.parametrize(
    ("flags", "options"),
    [
        ({}, ["-P"]),
        ({"isolated": 1, "ignore_environment": 1, "no_user_site": 1}, ["-I"]),
        ({"ignore_environment": 1}, ["-P", "-E"]),
        ({"no_user_site": 1, "no_site": 1}, ["-P", "-s", "-S"]),
    ],
)
def test_a_worker_finds_its_code_where_we_do(flags, options):
    usual = {"isolated": 0, "ignore_environment": 0, "no_user_site": 0, "no_site": 0}
    assert interpreter_options(SimpleNamespace(**usual | flags)) == options


class Process:
    """A process that ends when the test says so, or when it is killed."""

    pid = 77
    returncode = None

    def __init__(self, words, **_settings):
        self.words = words
        self.kills = 0

    def kill(self):
        self.kills += 1


class Channel:
    """A channel that notes what is sent."""

    def __init__(self, _reactor, ours, receive, _closed):
        self.ours = ours
        self.receive = receive
        self.sent = []
        self.is_open = True

    def send(self, message, sockets=()):
        self.sent.append((message, list(sockets)) if sockets else message)

    def close(self):
        self.is_open = False
        self.ours.close()


class Story:
    """A worker, and what became of it."""

    def __init__(self, reactor, monkeypatch):
        self.now = 100.0
        self.spoke = []
        self.ended = []
        monkeypatch.setattr(module.subprocess, "Popen", Process)
        monkeypatch.setattr(module, "Channel", Channel)
        monkeypatch.setattr(module, "Ending", lambda _reactor, _process, ended: ended)
        clock = SimpleNamespace(now=lambda: self.now)
        settings = Settings(call_timeout=5.0, load_timeout=10.0)
        self.worker = WorkerProcess(clock, 3, settings, lambda _worker, message: self.spoke.append(message), self.ended.append)
        self.channel, self.process = self.worker._channel, self.worker._process

    def end(self, code):
        self.process.returncode = code
        self.worker._on_end(code)

    def hear(self, message):
        self.channel.receive(message)


@pytest.fixture
def story(reactor, monkeypatch):
    made = Story(reactor, monkeypatch)
    yield made
    made.channel.close()


def test_it_is_told_who_it_is(story):
    assert story.process.words[-4:-1] == ["-m", "pipy_core", "--supervised"]
    (welcome,) = story.channel.sent
    assert (welcome.number, welcome.settings.call_timeout) == (3, 5.0)
    assert (story.worker.pid, story.worker.name, story.worker.alive) == (77, "worker 3 (77)", True)


def test_what_it_says_by_itself(story):
    story.hear(control.Ready())
    assert story.worker.ready
    story.hear(control.Beat())
    story.hear(control.Restart())
    assert story.spoke == [control.Ready(), control.Restart()]


def test_a_load_that_goes_well_and_one_that_does_not(story):
    for number, answer in ((1, control.Loaded(1, [])), (2, control.Failed(2, "pjs", "no"))):
        story.worker.begin_load(control.Load(number, "/code", "/main.js"))
        story.hear(answer)
    assert story.worker.loaded(1) == control.Loaded(1, [])
    with pytest.raises(RelayedError, match="no") as failed:
        story.worker.loaded(2)
    assert failed.value.component == "pjs"


def test_it_gets_the_sockets_that_it_does_not_have(story, monkeypatch):
    monkeypatch.setattr(control, "MAX_SOCKETS", 2)
    addresses = [Address("127.0.0.1", number) for number in range(1, 5)]
    sockets = dict(zip(addresses, ["one", "two", "three", "four"], strict=True))
    story.worker.begin_commit(1, {addresses[0]: "one"})
    story.worker.begin_commit(2, sockets)
    assert story.channel.sent[1:] == [
        (control.Sockets(addresses[:1]), ["one"]),
        control.Commit(1),
        (control.Sockets(addresses[1:3]), ["two", "three"]),
        (control.Sockets(addresses[3:]), ["four"]),
        control.Commit(2),
    ]
    assert story.worker.held == {("127.0.0.1", number) for number in range(1, 5)}


def test_a_switch_that_goes_well_and_one_that_does_not(story):
    story.worker.begin_commit(1, {})
    story.hear(control.Committed(1))
    story.worker.committed(1)
    story.worker.begin_commit(2, {})
    story.hear(control.Committed(2, "taken"))
    with pytest.raises(RelayedError, match="taken"):
        story.worker.committed(2)
    assert story.worker.generation == 1


def test_one_that_does_not_answer(story):
    question = story.worker.begin_ask()
    with pytest.raises(WorkerEnded, match=r"worker 3 \(77\) does not answer"):
        story.worker.told(question, 0.0)
    story.hear(control.Told(question, b"", b""))  # too late: nobody waits


def test_questions_are_told_apart(story):
    first, second = story.worker.begin_ask(), story.worker.begin_ask()
    story.hear(control.Told(second, b"2", b""))
    story.hear(control.Told(first, b"1", b""))
    assert [story.worker.told(each, 1.0).figures for each in (first, second)] == [b"1", b"2"]


def test_its_end_is_told_to_whoever_waits_and_to_whoever_asks_later(story, reactor):
    question = story.worker.begin_ask()
    waiting = gevent.spawn(story.worker.told, question, 10.0)
    reactor.pass_by()
    story.end(70)
    with pytest.raises(WorkerEnded, match="used all memory"):
        waiting.get(timeout=10)
    assert not story.worker.alive
    with pytest.raises(WorkerEnded, match="has ended"):
        story.worker.told(story.worker.begin_ask(), 10.0)
    assert story.ended == [story.worker]
    assert not story.channel.is_open


def test_the_first_reason_counts_and_the_dead_are_not_killed(story):
    story.worker.kill("too slow")
    story.worker.kill("too late")
    assert (story.process.kills, story.worker.reason) == (2, "too slow")
    story.end(-9)
    story.worker.kill("again")
    assert (story.process.kills, story.worker.reason) == (2, "too slow")


def silent_for(story, seconds):
    story.now += seconds
    story.worker.look()
    return story.process.kills


def test_silence_before_it_is_ready(story):
    assert silent_for(story, START_LIMIT) == 0
    assert silent_for(story, 1) == 1
    assert story.worker.reason == f"killed, since it gave no sign of life for {START_LIMIT + 1:.0f} s"


def test_silence_while_it_runs(story):
    story.hear(control.Ready())
    assert silent_for(story, BEAT_LIMIT + 5) == 0
    story.hear(control.Beat())
    assert silent_for(story, BEAT_LIMIT + 5) == 0
    assert silent_for(story, 1) == 1


def test_silence_while_nobody_ran(story):
    """The program was stopped, as by 'docker pause': nobody could say anything, nor hear it."""
    story.hear(control.Ready())
    story.now += 3600
    story.worker.look(3600)
    assert story.process.kills == 0
    assert silent_for(story, BEAT_LIMIT + 5) == 0
    story.worker.look(1e6)
    assert silent_for(story, BEAT_LIMIT + 5) == 0
    assert silent_for(story, 1) == 1


def test_silence_while_it_loads(story):
    story.hear(control.Ready())
    story.worker.begin_load(control.Load(1, "/code", "/main.js"))
    assert silent_for(story, BEAT_LIMIT + 40) == 0
    story.hear(control.Loaded(1, []))
    story.worker.loaded(1)
    assert silent_for(story, BEAT_LIMIT + 5) == 0
    assert silent_for(story, 1) == 1


def test_one_that_cannot_be_started_leaves_nothing_open(monkeypatch):
    ends = []
    make = socket.socketpair

    def pair():
        ends.extend(make())
        return tuple(ends)

    def fail(*_given, **_settings):
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(module.socket, "socketpair", pair)
    monkeypatch.setattr(module.subprocess, "Popen", fail)
    with pytest.raises(OSError, match="Resource"):
        WorkerProcess(SimpleNamespace(now=lambda: 0.0), 1, Settings(), None, None)
    assert [each.fileno() for each in ends] == [-1, -1]
