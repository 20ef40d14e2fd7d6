"""What ``pipy top`` shows."""

import pytest

from pipy_core.admin.standing import Standing, WorkerStatus
from pipy_core.console import top as module
from pipy_core.console.source import Unreachable
from pipy_core.console.top import Top, watch

METRICS = """\
# TYPE pipy_connections_open gauge
pipy_connections_open{{listener="0.0.0.0:80"}} 3
# TYPE pipy_http_requests_total counter
pipy_http_requests_total{{listener="0.0.0.0:80",code="2xx"}} {requests}
# TYPE pipy_http_request_duration_seconds histogram
pipy_http_request_duration_seconds_bucket{{listener="0.0.0.0:80",le="0.01"}} {requests}
pipy_http_request_duration_seconds_bucket{{listener="0.0.0.0:80",le="+Inf"}} {requests}
"""
UPSTREAM = '# TYPE pipy_upstream_requests_total counter\npipy_upstream_requests_total{upstream="u:1",code="2xx"} 5\n'


class Source:
    """An admin port."""

    def __init__(self, *texts):
        self.texts = list(texts)

    def json(self, path):
        assert path == "/status"
        return Standing("0.1", 7, 0.0, workers=[WorkerStatus(1, 7)]).document()

    def text(self, path):
        assert path == "/metrics"
        text = self.texts.pop(0)
        if isinstance(text, Exception):
            raise text
        return text


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


def test_rates_are_those_since_the_last_look(clock):
    top = Top(Source(METRICS.format(requests=10), METRICS.format(requests=30)))
    first = top.look()
    clock[0] += 2
    second = top.look()
    (row,) = [line.split() for line in first if line.startswith("0.0.0.0:80")]
    assert row[1:4] == ["3", "0", "0"]
    assert row[-3:] == ["-", "-", "-"]
    (row,) = [line.split() for line in second if line.startswith("0.0.0.0:80")]
    assert row[1:4] == ["3", "0", "10"]
    assert row[-6:] == ["5.0", "ms", "9.0", "ms", "9.9", "ms"]
    assert not any(line.startswith("UPSTREAM") for line in second)


def test_upstreams(clock):
    lines = Top(Source(METRICS.format(requests=1) + UPSTREAM)).look()
    assert any(line.startswith("u:1 ") for line in lines)


class Screen:
    """A terminal, as far as curses shows it."""

    def __init__(self, clock, keys):
        self.clock = clock
        self.keys = list(keys)
        self.shown = []
        self.wait = 0

    def getmaxyx(self):
        return 5, 40

    def erase(self):
        self.shown.append([])

    def addnstr(self, row, column, line, width, _attributes):
        assert (row < 5, column, width) == (True, 0, 40)
        self.shown[-1].append(line)

    def refresh(self):
        pass

    def timeout(self, milliseconds):
        self.wait = milliseconds

    def getch(self):
        self.clock[0] += self.wait / 1000
        return self.keys.pop(0)


@pytest.fixture
def screen(clock, monkeypatch):
    def use(*keys):
        made = Screen(clock, keys)
        monkeypatch.setattr(module.curses, "wrapper", lambda run, *args: run(made, *args))
        monkeypatch.setattr(module.curses, "curs_set", lambda _visible: None)
        return made

    return use


def test_it_goes_on_until_q(screen):
    made = screen(-1, -1, ord("q"))
    watch(Source(*[METRICS.format(requests=number) for number in (1, 2, 3)]))
    assert len(made.shown) == 3
    assert made.shown[0][0].startswith("pipy 0.1")


def test_keys_do_not_make_it_look_more_often(screen):
    made = screen(-1, ord("x"), ord("q"))
    made.getch, getch = (lambda: getch() if made.keys[0] == -1 else made.keys.pop(0)), made.getch
    watch(Source(METRICS.format(requests=1), METRICS.format(requests=2)))
    assert len(made.shown) == 3


def test_a_program_that_goes_and_comes_back(screen):
    made = screen(-1, -1, -1, ord("q"))
    watch(Source(METRICS.format(requests=1), Unreachable("gone"), Unreachable("still gone"), METRICS.format(requests=1)))
    assert [shown[0].partition(" 0.1")[0] for shown in made.shown] == ["pipy", "gone", "still gone", "pipy"]
    assert made.shown[2][2].startswith("pipy 0.1")


def test_a_program_that_is_not_there():
    with pytest.raises(Unreachable, match="gone"):
        watch(Source(Unreachable("gone")))


def test_nonsense():
    with pytest.raises(Unreachable, match="/metrics of the admin port cannot be read"):
        watch(Source("nonsense{"))


def test_ctrl_c(screen, monkeypatch):
    def interrupt(*_args):
        raise KeyboardInterrupt

    monkeypatch.setattr(module.curses, "wrapper", interrupt)
    watch(Source(METRICS.format(requests=1)))
