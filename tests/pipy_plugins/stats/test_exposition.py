"""The text format of Prometheus."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from pipy_core.api import Family
from pipy_plugins.stats.exposition import render

LINE = re.compile(
    r'[a-zA-Z_:][a-zA-Z0-9_:]*(?:\{[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\n"])*"(?:,[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\n"])*")*\})? \S+'
)


def plain(name, kind, text, samples):
    return Family(name, kind, text, samples, plain=True)


@pytest.mark.parametrize(
    ("family", "text"),
    [
        (plain("a", "counter", "", [("", (), 1)]), "# TYPE a counter\na 1\n"),
        (plain("a", "gauge", "Help.", [("", (), 1)]), "# HELP a Help.\n# TYPE a gauge\na 1\n"),
        (plain("a", "gauge", "", []), ""),
        (plain("a", "classic", "Help.", [("_sum", (), 2.5)]), "a_sum 2.5\n"),
        (plain("a", "gauge", "", [("", (("x", "1"), ("y", "2")), 3)]), '# TYPE a gauge\na{x="1",y="2"} 3\n'),
        (plain("a", "gauge", "", [("", (("x", 'a"b\\c\nd'),), 3)]), '# TYPE a gauge\na{x="a\\"b\\\\c\\nd"} 3\n'),
        (plain("a-b.c", "gauge", "", [("", (("x y", ""),), 3)]), '# TYPE a_b_c gauge\na_b_c{x_y=""} 3\n'),
        (plain("1a", "gauge", "", [("", (("1", ""), ("a:b", "")), 3)]), '# TYPE _1a gauge\n_1a{_1="",a_b=""} 3\n'),
        (plain("", "gauge", "", [("", (("", ""),), 3)]), '# TYPE _ gauge\n_{_=""} 3\n'),
        (plain("a", "gauge", "", [("", (("x", "1"), ("x", "2")), 3)]), '# TYPE a gauge\na{x="1",x2="2"} 3\n'),
        (plain("a", "gauge", "", [("", (), math.nan)]), "# TYPE a gauge\na NaN\n"),
        (plain("a", "gauge", "", [("", (), math.inf)]), "# TYPE a gauge\na +Inf\n"),
        (plain("a", "gauge", "", [("", (), -math.inf)]), "# TYPE a gauge\na -Inf\n"),
        (plain("a", "gauge", "", [("", (), 1e21)]), "# TYPE a gauge\na 1e+21\n"),
        (plain("a", "gauge", "", [("", (), 12345678.0)]), "# TYPE a gauge\na 12345678\n"),
        (Family("a_total", "counter", "Help.", [("", (), 1)]), "# HELP a_total Help.\n# TYPE a_total counter\na_total 1.0\n"),
        (Family("a", "counter", "Help.", [("", (), 1)]), "# HELP a Help.\n# TYPE a untyped\na 1.0\n"),
        (Family("a", "gauge", "Help.", [("", (("x", "ü"),), 1)]), '# HELP a Help.\n# TYPE a gauge\na{x="ü"} 1.0\n'),
        (Family("a", "gauge", "Help.", []), ""),
        (
            Family("a", "histogram", "Help.", [("_bucket", (("le", "+Inf"),), 2), ("_sum", (), 3), ("_count", (), 2)]),
            '# HELP a Help.\n# TYPE a histogram\na_bucket{le="+Inf"} 2.0\na_sum 3.0\na_count 2.0\n',
        ),
    ],
)
def test_lines(family, text):
    assert render([family]) == text


def test_those_of_one_name_stand_together():
    family = plain("h", "classic", "", [("", (("le", "1"),), 1), ("_bucket", (("le", "1"),), 1), ("", (("le", "2"),), 2)])
    assert render([family]) == 'h{le="1"} 1\nh{le="2"} 2\nh_bucket{le="1"} 1\n'


def test_a_name_is_shown_once():
    families = [Family("a", "gauge", "Ours.", [("", (), 1)]), plain("a", "gauge", "A script's.", [("", (("x", "y"),), 2)])]
    assert render(families) == "# HELP a Ours.\n# TYPE a gauge\na 1.0\n"
    families = [plain("a b", "gauge", "", [("", (), 1)]), plain("a_b", "counter", "", [("", (), 2)])]
    assert render(families) == "# TYPE a_b gauge\na_b 1\n"


def test_a_series_is_shown_once():
    histogram = plain("h", "classic", "", [("_count", (), 1)])
    assert render([histogram, plain("h_count", "gauge", "", [("", (), 2), ("", (("x", "y"),), 3)])]) == (
        'h_count 1\n# TYPE h_count gauge\nh_count{x="y"} 3\n'
    )


NAMES = st.text(max_size=10)
LABELS = st.lists(st.tuples(st.text(max_size=5), st.text(max_size=10)), max_size=3).map(tuple)


@given(name=NAMES, labels=LABELS, original=st.booleans())
def test_any_name_and_label_is_one_valid_line(name, labels, original):
    family = Family(name, "gauge", "", [("", labels, 1)], plain=original)
    (line,) = [line for line in render([family]).split("\n") if line and not line.startswith("#")]
    assert LINE.fullmatch(line)


@given(
    st.lists(
        st.builds(
            Family,
            NAMES,
            st.sampled_from(["counter", "gauge", "classic"]),
            st.text(max_size=5),
            st.lists(st.tuples(st.sampled_from(["", "_sum", "_count"]), LABELS, st.floats()), max_size=3),
            plain=st.booleans(),
        ),
        max_size=5,
    )
)
def test_the_parser_of_prometheus_reads_it(families):
    seen = [
        (sample.name, tuple(sorted(sample.labels.items())))
        for family in text_string_to_metric_families(render(families))
        for sample in family.samples
    ]
    assert len(seen) == len(set(seen))
