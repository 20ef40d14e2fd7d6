"""checkHealth: one run over all targets, by HTTP, by opening connections, and by way of a sub-pipeline."""

import pytest

from pipy_core.context import ScriptDict, ScriptList
from pipy_core.errors import ArgumentError
from pipy_core.events import END, EOS, Data, Failure, Head, MessageStart, StreamEnd
from pipy_core.params import bind
from pipy_core.testing import Tape, declared, logged, target
from pipy_plugins.resilience import check as plugin
from pipy_plugins.resilience.check import MAX_STATUS_LINE, CheckHealth
from pipy_plugins.resilience.health import Health


class Run:
    """One run over the targets ``a:1`` and ``b:2``; a target that fails one check is out."""

    def __init__(self, *through, targets=("a:1", "b:2"), **options):
        self.health = Health(list(targets), {"fall": 1, "rise": 1, "panic": 0})
        given = ScriptDict({name: ScriptList(value) if isinstance(value, list) else value for name, value in options.items()})
        args = bind(declared(plugin, "checkHealth").forms, [*("t" for _ in through), self.health, given])
        self.tape = Tape(CheckHealth, *through, *args[-2:])
        self.tape.play(MessageStart(), END).expect()
        self.tape.advance(0).anything()

    def answer(self, number, *events):
        with logged():
            return self.tape.outbound(number).reply(*events)

    @property
    def out(self):
        return self.health.out()


class TestHTTP:
    def test_a_run(self):
        run = Run(path="/ping")
        first = run.tape.outbound(0)
        first.expect(Data(b"GET /ping HTTP/1.1\r\nhost: a:1\r\nuser-agent: pipy-health-check\r\nconnection: close\r\n\r\n"))
        run.answer(0, Data(b"HTTP/1.1 200 OK\r\n")).expect()
        assert first.closed
        run.answer(1, Data(b"HTTP/1.1 503 Busy\r\n\r\n")).expect(EOS)
        assert run.out == ["b:2"]

    @pytest.mark.parametrize(
        ("answer", "good"),
        [
            ([Data(b"HTTP/1.1 200 OK\r\n")], True),
            ([Data(b"HTTP/1.1 2"), Data(b"04\r"), Data(b"\n")], True),
            ([Data(b"HTTP/1.0 301 Moved\r\n")], True),
            ([Data(b"HTTP/1.1 404 Not Found\r\n")], False),
            ([Data(b"SSH-2.0\r\n")], False),
            ([Data(b"x" * MAX_STATUS_LINE)], False),
            ([Data(b"HTTP/1.1 200"), EOS], False),
            ([EOS], False),
            ([StreamEnd(Failure.CONNECTION_REFUSED)], False),
        ],
    )
    def test_answers(self, answer, good):
        run = Run(path="/ping", targets=["a:1"])
        run.answer(0, *answer).expect(EOS)
        assert run.out == ([] if good else ["a:1"])

    @pytest.mark.parametrize(("status", "good"), [(204, True), ([200, 204], True), (200, False)])
    def test_the_status_that_is_expected(self, status, good):
        run = Run(path="/ping", status=status, targets=["a:1"])
        run.answer(0, Data(b"HTTP/1.1 204 No Content\r\n")).expect(EOS)
        assert run.out == ([] if good else ["a:1"])

    def test_time_is_limited(self):
        run = Run(path="/ping", timeout=3, targets=["a:1"])
        assert run.tape.outbound(0).options["connectTimeout"] == 3
        with logged():
            run.tape.advance(2.9).expect()
            run.tape.advance(0.2).expect(EOS)
        assert run.out == ["a:1"]
        assert run.tape.outbound(0).closed


class TestConnections:
    @pytest.mark.parametrize(
        ("answer", "good"),
        [
            (StreamEnd(Failure.READ_TIMEOUT), True),
            (EOS, True),
            (Data(b"220 ready"), True),
            (StreamEnd(Failure.CONNECTION_REFUSED), False),
            (StreamEnd(Failure.CANNOT_RESOLVE), False),
            (StreamEnd(Failure.READ_ERROR), False),
        ],
    )
    def test_it_is_enough_to_be_accepted(self, answer, good):
        run = Run(targets=["a:1"])
        assert run.tape.outbound(0).fed == []
        run.answer(0, answer).expect(EOS)
        assert run.out == ([] if good else ["a:1"])


class TestThrough:
    def test_the_target_is_in_the_head(self):
        run = Run(target("t"), path="/ping")
        run.tape.child("t").expect(
            MessageStart(Head({"protocol": "HTTP/1.1", "method": "GET", "path": "/ping", "headers": {"host": "a:1"}})), END
        )
        with logged():
            run.tape.child("t").reply(MessageStart(Head({"status": 200})), END).expect()
            run.tape.child("t", 1).reply(MessageStart(Head({"status": 502})), StreamEnd(Failure.UNAUTHORIZED)).expect(EOS)
        assert run.out == ["b:2"]
        assert all(child.closed for child in run.tape.children("t"))

    def test_each_has_a_context_of_its_own(self):
        run = Run(target("t"))
        contexts = {child.host.context.number for child in run.tape.world.children}
        assert len(contexts | {run.tape.context.number}) == 3


class TestRuns:
    def test_nothing_to_check(self):
        health = Health([], {})
        tape = Tape(CheckHealth, None, health, {"jitter": 0.0, "timeout": 5.0, "path": "", "status": None})
        tape.play(MessageStart(), END).expect(EOS)

    def test_a_target_that_is_no_address(self):
        with logged() as lines:
            run = Run(targets=["nonsense"])
        assert run.out == ["nonsense"]
        assert lines == ["[WRN] [health] nonsense is down: it is not of the form host:port"]

    def test_checks_may_be_spread(self, monkeypatch):
        times = iter([1.0, 3.0])
        monkeypatch.setattr("random.uniform", lambda low, high: next(times))
        run = Run(jitter=4)
        assert len(run.tape.world.outbounds) == 0
        run.tape.advance(1).expect()
        assert len(run.tape.world.outbounds) == 1
        run.tape.advance(2).expect()
        assert len(run.tape.world.outbounds) == 2

    def test_the_end_of_the_program_ends_it(self):
        run = Run()
        run.tape.drain().expect(EOS)
        assert run.tape.outbound(0).closed
        assert run.out == []

    def test_closing_it_leaves_nothing(self):
        run = Run()
        run.tape.close().expect()
        assert run.tape.outbound(0).closed
        run.tape.advance(60).expect()
        assert run.out == []

    def test_a_target_that_is_removed_meanwhile(self):
        run = Run(targets=["a:1"])
        run.health.remove("a:1")
        run.answer(0, EOS).expect(EOS)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"status": [1]}, "options.status"),
        ({"status": ["ok"]}, "options.status"),
        ({"status": 1000}, "options.status"),
        ({"timeout": 0.0}, "options.timeout"),
        ({"path": "/a b"}, "options.path"),
        ({"path": "/\r\nx: y"}, "options.path"),
    ],
)
def test_wrong_options(options, complaint):
    with pytest.raises(ArgumentError, match=complaint):
        Run(**options)
