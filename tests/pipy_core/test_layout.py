"""What a use of a filter is told about the one behind it."""

from pipy_core.context import Function
from pipy_core.filter import Filter
from pipy_core.layout import Layout, Use, functions_of


class Passing(Filter):
    """Does nothing."""

    def process(self, event):
        self.emit(event)


def layout_of(*foresights):
    layout = Layout("p", "/main.js")
    uses = []
    for foresight in foresights:
        use = Use("passing", Passing)
        use.foresight = foresight
        uses.append(use)
    layout.complete(tuple(uses), None)
    return layout


A, B, C = Function(1), Function(2), Function(3)


def test_the_functions_of_a_foresight_go_on_in_the_pipeline_at_its_end():
    inner = layout_of((C,))
    outer = layout_of((B, inner))
    assert functions_of((A, outer)) == (A, B, C)


def test_a_pipeline_without_filters_asks_nothing():
    assert functions_of((A, layout_of())) == (A,)


def test_each_use_is_told_of_the_next():
    layout = layout_of((), (A,), (B,), ())
    layout.look_ahead()
    assert [make().ahead for make in layout.makes] == [(A,), (B,), (), ()]


def test_an_empty_layout_has_nothing_to_tell():
    layout = layout_of()
    layout.look_ahead()
    assert layout.makes == ()
