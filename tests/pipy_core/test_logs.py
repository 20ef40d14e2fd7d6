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
