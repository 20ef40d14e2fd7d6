"""Examples of filters are found beside the module that declares the filter."""

import sys

import pytest

from pipy_core.api import Filter, Registry
from pipy_core.reference.examples import Example, example_of


@pytest.fixture
def spec(tmp_path, monkeypatch):
    """A filter of a package in a directory of its own."""
    package = tmp_path / "acme_filters"
    (package / "examples").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "cut.py").write_text(
        "from pipy_core.api import Filter\n\nclass Cut(Filter):\n    def process(self, event):\n        self.emit(event)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    cut = __import__("acme_filters.cut").cut
    registry = Registry()
    registry.add_filter("cut", cut.Cut, help="cuts")
    yield registry.filter("cut"), package / "examples"
    for name in ("acme_filters.cut", "acme_filters"):
        del sys.modules[name]


def test_a_script_and_its_test(spec):
    filter_spec, folder = spec
    (folder / "cut.js").write_text("pipy().cut()")
    (folder / "cut.test.js").write_text("test('cuts', t => {})")
    assert example_of(filter_spec) == Example("pipy().cut()", "test('cuts', t => {})")


def test_a_filter_need_not_have_one(spec):
    assert example_of(spec[0]) is None


def test_a_filter_of_no_package_has_none(monkeypatch):
    class Here(Filter):
        def process(self, event):
            self.emit(event)

    monkeypatch.setattr(sys.modules[__name__], "__package__", "")
    registry = Registry()
    registry.add_filter("here", Here, help="is here")
    assert example_of(registry.filter("here")) is None
