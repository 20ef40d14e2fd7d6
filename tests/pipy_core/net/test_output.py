"""The standard output: pipes whose readers are slow, and those that have none."""

import io
import os
import sys

import pytest

from pipy_core.net import output as module
from pipy_core.net.output import Output, standard_output

LINE = "x" * 1023 + "\n"


@pytest.fixture
def pipe():
    reader, writer = os.pipe()
    yield reader, writer
    for each in (reader, writer):
        try:
            os.close(each)
        except OSError:
            continue  # the test has


def fill(output):
    """Write lines until one is refused; give how many were taken."""
    count = 0
    while True:
        try:
            output.write(LINE)
        except BlockingIOError:
            return count
        count += 1


def test_what_fits_is_written_at_once(pipe):
    reader, writer = pipe
    Output(writer).write("a \u00e9 \udcff\n")
    assert os.read(reader, 100) == b"a \xc3\xa9 \\udcff\n"


def test_what_waits_is_bounded_and_comes_in_order(pipe):
    reader, writer = pipe
    output = Output(writer)
    count = fill(output)
    assert count * len(LINE) >= module.MAX_WAITING
    assert not output.finish(0.01)
    received = b""
    while len(received) < count * len(LINE):
        received += os.read(reader, 65536)
    assert received == LINE.encode() * count
    assert output.finish(10)
    output.write("again\n")
    assert os.read(reader, 100) == b"again\n"


def test_a_line_longer_than_a_pipe_takes_at_once(pipe):
    reader, writer = pipe
    output = Output(writer)
    output.write("y" * 50_000 + "\n")
    output.write("z\n")
    received = b""
    while not received.endswith(b"z\n"):
        received += os.read(reader, 65536)
    assert received == b"y" * 50_000 + b"\nz\n"


def test_a_reader_that_has_gone(pipe):
    reader, writer = pipe
    output = Output(writer)
    fill(output)
    os.close(reader)
    assert output.finish(10)
    with pytest.raises(BrokenPipeError):  # now, since nothing waits any more
        output.write("a\n")


def test_a_file_takes_everything(tmp_path):
    with (tmp_path / "log").open("wb") as file:
        Output(file.fileno()).write(LINE * 2000)
    assert (tmp_path / "log").stat().st_size == 2000 * len(LINE)


@pytest.mark.parametrize("stream", [None, io.StringIO()])
def test_what_cannot_block(monkeypatch, stream):
    monkeypatch.setattr(sys, "stdout", stream)
    assert standard_output() is None
