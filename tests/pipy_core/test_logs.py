"""The two forms of log lines."""

import io
import json
import re
from collections.abc import Iterator

import pytest

from pipy_core import logs


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    yield io.StringIO()
    logs.configure()


def lines(stream: io.StringIO) -> list[str]:
    """The lines without their time, which is checked here."""
    found = stream.getvalue().splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \[", line) for line in found)
    return [line[24:] for line in found]


@pytest.mark.parametrize(
    ("level", "tags"),
    [
        ("debug", ["DBG", "INF", "WRN", "ERR"]),
        ("info", ["INF", "WRN", "ERR"]),
        ("warn", ["WRN", "ERR"]),
        ("error", ["ERR"]),
    ],
)
def test_levels_in_the_usual_order(level: str, tags: list[str], stream: io.StringIO) -> None:
    logs.configure(level, stream=stream)
    log = logs.get_logger("x")
    for write in (log.debug, log.info, log.warning, log.error):
        write("said")
    assert lines(stream) == [f"[{tag}] [x] said" for tag in tags]


def test_every_line_of_a_message_has_the_prefix(stream: io.StringIO) -> None:
    logs.configure(stream=stream)
    logs.get_logger("config").info("a\n b\n")
    assert lines(stream) == ["[INF] [config] a", "[INF] [config]  b", "[INF] [config] "]


def test_values_stand_behind_the_text_and_a_traceback_below_it(stream: io.StringIO) -> None:
    logs.configure(stream=stream)
    logs.get_logger("x").error("failed", port=80, exception="Traceback:\n  f()")
    assert lines(stream) == ["[ERR] [x] failed port=80", "[ERR] [x] Traceback:", "[ERR] [x]   f()"]


def test_what_is_written_plainly_has_no_prefix(stream: io.StringIO) -> None:
    logs.configure(stream=stream)
    logs.write_plain("print", "0000  61 62\n0010  63")
    assert stream.getvalue() == "0000  61 62\n0010  63\n"


def test_json_has_one_object_a_line(stream: io.StringIO) -> None:
    logs.configure(form="json", stream=stream)
    logs.get_logger("x").warning("a\nb", port=80)
    (line,) = stream.getvalue().splitlines()
    entry = json.loads(line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d", entry.pop("time"))
    assert entry == {"level": "warning", "component": "x", "event": "a\nb", "port": 80}


def test_the_level_holds_for_loggers_that_were_made_before(stream: io.StringIO) -> None:
    log = logs.get_logger("x")
    logs.configure("error", stream=stream)
    log.info("quiet")
    log.error("loud")
    assert lines(stream) == ["[ERR] [x] loud"]


class Full(io.StringIO):
    """A stream that takes nothing for a while."""

    full = True

    def write(self, text: str) -> int:
        if self.full:
            raise OSError("no space left")
        return super().write(text)


def test_lines_that_cannot_be_written_are_counted_and_told() -> None:
    stream = Full()
    logs.configure(stream=stream)
    log = logs.get_logger("x")
    log.info("one")
    log.info("two")
    stream.full = False
    log.info("three")
    log.info("four")
    logs.configure()
    first, *rest = stream.getvalue().splitlines()
    assert first == "(2 log lines could not be written)"
    assert [line[24:] for line in rest] == ["[INF] [x] three", "[INF] [x] four"]


def test_half_a_character_can_be_logged(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure()
    logs.get_logger("x").info("\ud83d")
    assert capsys.readouterr().out.endswith("[INF] [x] \\ud83d\n")


def test_a_process_without_standard_output_can_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", None)
    logs.configure()
    logs.get_logger("x").info("unheard")
    monkeypatch.undo()
    logs.configure()


class TestRepeats:
    """Lines of one kind."""

    @pytest.fixture
    def clock(self, monkeypatch: pytest.MonkeyPatch) -> list[float]:
        now = [100.0]
        monkeypatch.setattr(logs._repeats, "_now", lambda: now[0])
        return now

    def test_so_many_pass_in_a_second_and_the_others_are_counted(self, stream: io.StringIO, clock: list[float]) -> None:
        logs.configure(stream=stream, repeats=3)
        log = logs.get_logger("outbound")
        for line in [f"[127.0.0.1]:{port} cannot connect" for port in range(10)]:
            log.error(line)
        log.error("something else")
        passed = [f"[ERR] [outbound] [127.0.0.1]:{port} cannot connect" for port in range(3)]
        assert lines(stream) == [*passed, "[ERR] [outbound] something else"]
        clock[0] += 1
        logs.tell_repeats()
        assert lines(stream)[4:] == ["[ERR] [outbound] [127.0.0.1]:9 cannot connect (and 6 more such lines)"]
        log.error("[127.0.0.1]:11 cannot connect")
        assert lines(stream)[5:] == ["[ERR] [outbound] [127.0.0.1]:11 cannot connect"]

    def test_the_number_comes_before_the_next_line_of_that_kind(self, stream: io.StringIO, clock: list[float]) -> None:
        logs.configure(stream=stream, repeats=1)
        log = logs.get_logger("x")
        for _ in range(3):
            log.warning("again")
        clock[0] += 1
        log.warning("again")
        assert lines(stream) == ["[WRN] [x] again", "[WRN] [x] again (and 1 more such lines)", "[WRN] [x] again"]

    def test_what_is_not_about_failures_or_comes_from_a_console_passes(self, stream: io.StringIO, clock: list[float]) -> None:
        logs.configure(stream=stream, repeats=1)
        for _ in range(5):
            logs.get_logger("x").info("said")
            logs.get_logger("").error("said")
        assert len(lines(stream)) == 10

    def test_without_a_limit_all_pass(self, stream: io.StringIO) -> None:
        logs.configure(stream=stream)
        for _ in range(50):
            logs.get_logger("x").error("said")
        assert len(lines(stream)) == 50

    def test_there_is_an_end_to_kinds(self, stream: io.StringIO, clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(logs, "MAX_KINDS", 2)
        logs.configure(stream=stream, repeats=1)
        for letter in "abcdef":
            logs.get_logger("x").error(letter)
        assert lines(stream) == ["[ERR] [x] a", "[ERR] [x] b", "[ERR] [x] c"]

    def test_pairs_stay_with_the_last_line(self, stream: io.StringIO, clock: list[float]) -> None:
        logs.configure(form="json", stream=stream, repeats=1)
        for number in range(3):
            logs.get_logger("x").error("said", number=number)
        clock[0] += 2
        logs.tell_repeats()
        told = [json.loads(line) for line in stream.getvalue().splitlines()]
        assert [(each["event"], each["number"], "counted" in each) for each in told] == [
            ("said", 0, False),
            ("said (and 1 more such lines)", 2, False),
        ]


def test_one_of_several_workers_says_which_it_is_where_something_went_wrong(stream: io.StringIO) -> None:
    logs.configure(stream=stream, worker=2)
    logs.get_logger("listener").info("ready")
    logs.get_logger("outbound").warning("one\ntwo")
    logs.get_logger("").error("of a script")
    assert lines(stream) == [
        "[INF] [listener] ready",
        "[WRN] [outbound] [worker 2] one",
        "[WRN] [outbound] [worker 2] two",
        "[ERR] [worker 2] of a script",
    ]


def test_what_is_written_plainly_says_nothing_of_workers(stream: io.StringIO) -> None:
    logs.configure(stream=stream, worker=2)
    logs.write_line("access", "GET / 200")
    assert stream.getvalue() == "GET / 200\n"


def test_json_always_says_which_worker_it_is(stream: io.StringIO) -> None:
    logs.configure(form="json", stream=stream, worker=2)
    logs.get_logger("listener").info("ready")
    logs.write_line("access", "GET / 200", {"path": "/"})
    entries = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [entry["worker"] for entry in entries] == [2, 2]
    assert entries[1]["path"] == "/"
