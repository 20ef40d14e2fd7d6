"""The registry: names, who brought them, and what is refused."""

import pytest

from pipy_core.errors import PluginError
from pipy_core.filter import Filter
from pipy_core.kinds import STRING
from pipy_core.params import Param
from pipy_core.registry import Registry, ScriptSource


class Pass(Filter):
    def process(self, event):
        self.emit(event)


@pytest.fixture
def registry():
    registry = Registry()
    registry.begin("one")
    return registry


def test_a_filter_is_found_by_name(registry):
    form = [Param("name", STRING)]
    registry.add_filter("pass", Pass, form, help="passes", group="g", loads_modules=True)
    spec = registry.filter("pass")
    assert (spec.name, spec.filter, spec.forms, spec.help, spec.group, spec.plugin, spec.loads_modules) == (
        "pass",
        Pass,
        (form,),
        "passes",
        "g",
        "one",
        True,
    )
    with pytest.raises(KeyError):
        registry.filter("fail")


def test_a_filter_without_forms_takes_no_arguments(registry):
    registry.add_filter("pass", Pass, help="")
    assert registry.filter("pass").forms == ((),)


def test_filters_come_by_name(registry):
    for name in ("b", "c", "a"):
        registry.add_filter(name, Pass, help="")
    assert [spec.name for spec in registry.filters()] == ["a", "b", "c"]


@pytest.mark.parametrize("name", ["", "a-b", "1st", "listen", "task", "pipeline", "export", "import", "constructor", "then"])
def test_some_names_cannot_be(registry, name):
    with pytest.raises(PluginError, match=f"plugin one: '{name}' cannot be the name"):
        registry.add_filter(name, Pass, help="")


def test_a_name_is_given_once_and_both_plugins_are_told(registry):
    registry.add_filter("pass", Pass, help="")
    registry.begin("two")
    with pytest.raises(PluginError, match="plugin two: the filter 'pass' is already brought by one"):
        registry.add_filter("pass", Pass, help="")


@pytest.mark.parametrize("wrong", [object, Pass(), None])
def test_only_filters_are_filters(registry, wrong):
    with pytest.raises(PluginError, match="not a subclass of Filter"):
        registry.add_filter("pass", wrong, help="")


def test_script_sources_keep_their_order(registry):
    registry.add_script("b", "1")
    registry.add_script("a", "2")
    assert registry.sources() == [ScriptSource("b", "1", plugin="one"), ScriptSource("a", "2", plugin="one")]
    with pytest.raises(PluginError, match="the script source 'a' is already brought by one"):
        registry.add_script("a", "3")


def test_host_functions(registry):
    registry.add_function("f", len)
    functions = registry.functions()
    assert functions == {"f": len}
    functions.clear()
    assert registry.functions() == {"f": len}
    with pytest.raises(PluginError, match="plugin one: the host function 'f' is already brought by one"):
        registry.add_function("f", len)


class TestMerge:
    def test_everything_is_taken_over(self, registry):
        other = Registry("two")
        other.add_filter("pass", Pass, help="")
        other.add_script("s", "1")
        other.add_function("f", len)
        registry.merge(other)
        assert registry.filter("pass").plugin == "two"
        assert registry.sources() == [ScriptSource("s", "1", plugin="two")]
        assert registry.functions() == {"f": len}

    def test_a_taken_name_refuses_all(self, registry):
        registry.add_script("s", "1")
        other = Registry("two")
        other.add_filter("pass", Pass, help="")
        other.add_script("s", "2")
        with pytest.raises(PluginError, match="plugin two: the script source 's' is already brought by one"):
            registry.merge(other)
        assert list(registry.filters()) == []
        assert registry.sources() == [ScriptSource("s", "1", plugin="one")]

    def test_what_was_taken_over_is_taken(self, registry):
        other = Registry("two")
        other.add_function("f", len)
        registry.merge(other)
        with pytest.raises(PluginError, match="plugin one: the host function 'f' is already brought by two"):
            registry.add_function("f", len)

    def test_different_kinds_may_have_the_same_name(self, registry):
        registry.add_filter("same", Pass, help="")
        other = Registry("two")
        other.add_script("same", "1")
        other.add_function("same", len)
        registry.merge(other)
        assert registry.filter("same").plugin == "one"
