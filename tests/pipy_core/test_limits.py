"""The table of limits: its rows, their options, and what a port says of its own."""

import re
from dataclasses import fields, replace
from importlib import resources

import pytest

from pipy_core.errors import ArgumentError
from pipy_core.limit_table import KIB, MIB, TABLE, spelled
from pipy_core.limits import CAUSES, DEFAULTS, Limits
from pipy_core.options import OPTIONS
from pipy_core.script.declarations import LISTEN, check_listen
from pipy_core.settings import Settings, from_environment, with_value

ROWS = {row.name: row for row in TABLE}


def test_every_value_has_a_row_and_every_row_a_value():
    assert [row.name for row in TABLE] == [each.name for each in fields(Limits) if each.name != "load"]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
class TestRows:
    def test_its_default_may_be_given(self, row):
        value = getattr(DEFAULTS, row.name)
        assert with_value(Settings(), row.option, str(value)).limits == DEFAULTS
        assert isinstance(value, float if row.unit == "s" else int)

    def test_its_option_sets_it_and_nothing_else(self, row):
        low, high = row.lowest, row.highest
        assert with_value(Settings(), row.option, f"{low:g}").limits == replace(DEFAULTS, **{row.name: low})
        assert with_value(Settings(), row.option, f"{high:.0f}").limits == replace(DEFAULTS, **{row.name: high})

    def test_what_makes_no_sense_is_refused(self, row):
        for text in ("", "x", "-1", f"{row.highest + 1:.0f}", *(["0"] if row.lowest and not row.off else [])):
            with pytest.raises(ArgumentError, match=f"invalid --{row.option}: {text}: expected {row.noun} from"):
                with_value(Settings(), row.option, text)

    def test_nought_is_explained(self, row):
        if row.off:
            assert getattr(with_value(Settings(), row.option, "0").limits, row.name) == 0

    def test_listen_has_it_too(self, row):
        assert (row.member in LISTEN[1].default) == (row.listen or row.name == "max_connections")  # of that, a port has its own
        assert not (row.listen and row.of)

    def test_typings_tell_of_it(self, row):
        typings = (resources.files("pipy_core.script.runtime") / "core.d.ts").read_text("utf-8")
        assert (f"      {row.member}?: number" in typings) == (row.listen or row.name == "max_connections")


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"maxHeaderCount": 0}, "option.maxHeaderCount expects number from 1 to 10000, given 0"),
        ({"maxRequestLine": 1 << 30}, "option.maxRequestLine expects bytes from 64 to 1.04858e+06, given 1.07374e+09"),
    ],
)
def test_what_makes_no_sense_for_a_port_is_refused(given, complaint):
    with pytest.raises(ArgumentError, match=re.escape(complaint)):
        check_listen({"transparent": False, **given})


def test_nought_may_switch_off():
    check_listen({"transparent": False, "maxRequests": 0, "idleTimeout": 0.0, "maxHeaderSize": None})


def test_units_may_be_written():
    limits = with_value(with_value(Settings(), "max-header-size", "32k"), "idle-timeout", "2m").limits
    assert (limits.max_header_size, limits.idle_timeout) == (32 * KIB, 120.0)


def test_the_environment_sets_them():
    assert from_environment({"PIPY_MAX_REQUESTS": "7"}).limits.max_requests == 7


def test_a_port_may_say_something_else():
    mine = DEFAULTS.with_options({"headerTimeout": 5.0, "maxHeaderCount": None, "maxConnections": 3, "unknown": 1})
    assert mine == replace(DEFAULTS, header_timeout=5.0)
    assert mine.load is DEFAULTS.load


def test_processes_are_not_told_apart_by_what_they_have_to_do():
    busy = Limits()
    busy.load.memory_short = True
    assert busy == Limits()
    assert busy.load is not Limits().load


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("header_timeout", 60.0, "60 s"),
        ("max_header_size", 64 * KIB, "64 KiB"),
        ("max_header_size", 100, "100 bytes"),
        ("max_body_buffer", 16 * MIB, "16 MiB"),
        ("max_requests", 10_000, "10,000"),
        ("max_connections", 10_000_000, "10,000,000"),
        ("memory_limit", 512, "512 MB"),
    ],
)
def test_spelling(name, value, expected):
    assert spelled(ROWS[name], value) == expected


def test_causes_are_words_for_labels():
    assert all(cause.replace(" ", "").isalpha() and text for cause, text in CAUSES.items())
    assert OPTIONS["header-timeout"].setting == "limits.header_timeout"
