"""TypeScript declarations made from what filters declare."""

from pipy_core.api import DURATION, FUNCTION, NUMBER, PIPELINE, STRING, Filter, Param, Registry, dynamic, options
from pipy_core.reference.typings import HEAD, configuration, render
from pipy_core.registry import ScriptSource


class Nothing(Filter):
    def process(self, event):
        self.emit(event)


def methods(*forms, help_text="Does it."):
    registry = Registry()
    registry.add_filter("go", Nothing, *forms, help=help_text)
    return configuration(registry.filters()).splitlines()


def signatures(*forms):
    return [line.strip() for line in methods(*forms) if line.startswith("  go(")]


def test_a_filter_without_parameters():
    assert methods() == ["interface Configuration {", "  /**", "   * Does it.", "   */", "  go(): this", "}"]


def test_each_form_is_an_overload():
    assert signatures([Param("a", NUMBER)], [Param("b", STRING), Param("c", dynamic(STRING), default="")]) == [
        "go(a: number): this",
        "go(b: string, c?: string | ((...args: any[]) => any)): this",
    ]


def test_what_may_be_left_out_in_front_of_what_may_not():
    assert signatures([Param("a", NUMBER, default=1), Param("b", FUNCTION)]) == [
        "go(a: (number) | undefined, b: (...args: any[]) => any): this"
    ]


def test_parameters_that_repeat():
    pair = [Param("target", PIPELINE, variadic=True), Param("when", FUNCTION, default=None, variadic=True)]
    assert signatures(pair) == [
        "go(target: string, when?: (...args: any[]) => any, ...more: ((string) | ((...args: any[]) => any))[]): this"
    ]


def test_the_comment_tells_what_parameters_and_options_are_for():
    lines = methods([Param("to", STRING, "where to"), options(Param("wait", DURATION, "how */ long", default=1))])
    assert "   * @param to where to" in lines
    assert "   * @param options named settings. `wait`: how * / long" in lines
    assert "  go(to: string, options?: { wait?: number | string }): this" in lines


def test_everything_in_its_order():
    text = render(
        "declare const core: 1\n", [], [ScriptSource("a", "", "declare const a: 1\n"), ScriptSource("b", "")], {"_x": "any"}
    )
    assert (
        text
        == f"""\
{HEAD}
declare const core: 1

declare const a: 1

interface Configuration {{
}}

declare let _x: any
"""
    )
