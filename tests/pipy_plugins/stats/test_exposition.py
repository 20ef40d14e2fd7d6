"""The text format of Prometheus."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_core.api import Family
from pipy_plugins.stats.exposition import render

LINE = re.compile(
    r'[a-zA-Z_:][a-zA-Z0-9_:]*(?:\{[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\n"])*"(?:,[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\n"])*")*\})? \S+'
)


@pytest.mark.parametrize(
    ("family", "text"),
    [
        (Family("a", "counter", "", [("", [], "1")]), "# TYPE a counter\na 1\n"),
        (Family("a", "gauge", "Help.", [("", [], "1")]), "# HELP a Help.\n# TYPE a gauge\na 1\n"),
        (Family("a", "gauge", "", []), ""),
        (Family("a", "histogram", "", [("_sum", [], "2.5")]), "a_sum 2.5\n"),
        (Family("a", "gauge", "", [("", [("x", "1"), ("y", "2")], "3")]), '# TYPE a gauge\na{x="1",y="2"} 3\n'),
        (Family("a", "gauge", "", [("", [("x", 'a"b\\c\nd')], "3")]), '# TYPE a gauge\na{x="a\\"b\\\\c\\nd"} 3\n'),
        (Family("a-b.c", "gauge", "", [("", [("x y", "")], "3")]), '# TYPE a_b_c gauge\na_b_c{x_y=""} 3\n'),
        (Family("1a", "gauge", "", [("", [("1", ""), ("a:b", "")], "3")]), '# TYPE _1a gauge\n_1a{_1="",a_b=""} 3\n'),
        (Family("", "gauge", "", [("", [("", "")], "3")]), '# TYPE _ gauge\n_{_=""} 3\n'),
    ],
)
def test_lines(family, text):
    assert render([family]) == text


@given(name=st.text(max_size=10), labels=st.lists(st.tuples(st.text(max_size=5), st.text(max_size=10)), max_size=3))
def test_any_name_and_label_is_one_valid_line(name, labels):
    (line,) = [line for line in render([Family(name, "", "", [("", labels, "1")])]).split("\n") if line]
    assert LINE.fullmatch(line)
