"""The filters of a registry as text."""

from typing import Any

from pipy_core.filter import Filter
from pipy_core.kinds import DURATION, NUMBER, PIPELINE, STRING
from pipy_core.params import Param, options
from pipy_core.reference.terminal import describe, overview, signature
from pipy_core.registry import Registry


class Pass(Filter):
    def process(self, event: Any) -> None:
        self.emit(event)


def registry() -> Registry:
    made = Registry("acme 1.0")
    made.add_filter("zip", Pass, help="Makes it smaller. Not always.", group="bytes")
    made.add_filter("cut", Pass, [Param("at", NUMBER)], help="Cuts\n   at a place.", group="bytes")
    made.add_filter(
        "ask",
        Pass,
        [Param("target", PIPELINE, "Who answers."), options(Param("timeout", DURATION, "How long to wait.", default=0.5))],
        [Param("target", PIPELINE, "Who answers."), Param("word", STRING, default="x"), Param("more", STRING, variadic=True)],
        help="Asks.",
        group="asking",
    )
    return made


def test_the_overview_is_sorted_by_group_and_name() -> None:
    assert overview(registry().filters()).splitlines() == [
        "asking:",
        "  ask                       Asks",
        "",
        "bytes:",
        "  cut                       Cuts at a place",
        "  zip                       Makes it smaller",
    ]


def test_a_long_sentence_goes_on_below_its_beginning() -> None:
    made = Registry()
    made.add_filter("talk", Pass, help="word " * 30 + "end. More.", group="bytes")
    first, second, third, *_ = [*overview(made.filters()).splitlines()[1:], ""]
    assert first.startswith("  talk                      word word")
    assert second.startswith(" " * 28 + "word")
    assert (second + third).endswith("end")
    assert max(map(len, (first, second))) <= 100


def test_signatures_bracket_what_may_be_left_out() -> None:
    ask = registry().filter("ask")
    assert [signature("ask", form) for form in ask.forms] == ["ask(target, [options])", "ask(target, [word], more, ...)"]
    assert signature("zip", ()) == "zip()"


def test_a_filter_is_described_with_its_parameters_and_options() -> None:
    assert describe(registry().filter("ask")).splitlines() == [
        "ask(target, [options])",
        "ask(target, [word], more, ...)",
        "",
        "    Asks.",
        "",
        "    target                a string (the name of a pipeline); required",
        "                          Who answers.",
        "    options               an object",
        "                          named settings",
        "      timeout               a duration (a number of seconds or a string such as '5s'); default: 0.5",
        "                          How long to wait.",
        "    word                  a string; default: 'x'",
        "    more                  a string; required",
        "",
        "    Group asking, from plugin acme 1.0.",
    ]
