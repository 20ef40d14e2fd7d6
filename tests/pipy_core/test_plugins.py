"""Letting plugins in, and keeping broken ones out. The plugins here are modules made up for a test."""

import io
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pipy_core import logs
from pipy_core.errors import PluginError
from pipy_core.filter import Filter
from pipy_core.hookspecs import hookimpl
from pipy_core.plugins import Installed, Plugins, installed
from pipy_core.registry import Registry


class Pass(Filter):
    def process(self, event: Any) -> None:
        self.emit(event)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    logs.configure("warn", stream=stream)
    yield stream
    logs.configure()


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Installed]:
    """Install a plugin: a module with the given functions as hooks."""

    def install(name: str, *hooks: Callable[..., Any], distribution: str = "acme") -> Installed:
        module = ModuleType(f"plugin_{name}")
        for hook in hooks:
            setattr(module, hook.__name__, hookimpl(hook))
        monkeypatch.setitem(sys.modules, module.__name__, module)
        return Installed(EntryPoint(name, module.__name__, "pipy"), distribution, "1.2")

    return install


def filters(*names: str) -> Callable[[Registry], None]:
    def pipy_register_filters(registry: Registry) -> None:
        for name in names:
            registry.add_filter(name, Pass, help="Passes.")

    return pipy_register_filters


def names(registry: Registry) -> list[str]:
    return [spec.name for spec in registry.filters()]


def test_filters_and_scripts_of_all_plugins_are_taken(plugin: Callable[..., Installed]) -> None:
    def pipy_register_scripts(registry: Registry) -> None:
        registry.add_script("extra", "() => ({})")
        registry.add_function("now", lambda: 1)

    registry = Registry()
    Plugins().load(registry, [plugin("one", filters("a")), plugin("two", filters("b", "c"), pipy_register_scripts)])
    assert names(registry) == ["a", "b", "c"]
    assert registry.filter("a").plugin == "one (acme 1.2)"
    assert [source.name for source in registry.sources()] == ["extra"]
    assert list(registry.functions()) == ["now"]


def test_other_hooks_reach_the_plugins(plugin: Callable[..., Installed]) -> None:
    seen: list[list[str]] = []

    def pipy_started(ports: list[str]) -> None:
        seen.append(ports)

    plugins = Plugins()
    plugins.load(Registry(), [plugin("one", pipy_started)])
    plugins.hook.pipy_started(ports=["0.0.0.0:80"])
    assert seen == [["0.0.0.0:80"]]


def raises(registry: Registry) -> None:
    registry.add_filter("half", Pass, help="Passes.")
    raise RuntimeError("no\nluck")


def leaves(registry: Registry) -> None:
    registry.add_filter("half", Pass, help="Passes.")
    sys.exit(3)


def wrong_argument(registry: Registry, more: int) -> None:
    """Asks for something that the hook does not give."""


def misspelled(registry: Registry) -> None:
    registry.add_filter("half", Pass, help="Passes.")


def named(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    function.__name__ = name
    return function


@pytest.mark.parametrize(
    ("hook", "reason"),
    [
        pytest.param(named(raises, "pipy_register_filters"), "RuntimeError: no luck", id="raises"),
        pytest.param(named(leaves, "pipy_register_filters"), "SystemExit: 3", id="exits"),
        pytest.param(named(wrong_argument, "pipy_register_scripts"), "{'more'}", id="wrong-signature"),
        pytest.param(named(misspelled, "pipy_register_filter"), "unknown hook 'pipy_register_filter'", id="misspelled"),
        pytest.param(filters("a"), "the filter 'a' is already brought by good (acme 1.2)", id="name-taken"),
        pytest.param(filters("half", "not a name"), "'not a name' cannot be the name", id="not-a-name"),
    ],
)
def test_of_a_broken_plugin_nothing_remains_but_one_line(
    hook: Callable[..., Any], reason: str, plugin: Callable[..., Installed], log: io.StringIO
) -> None:
    started: list[object] = []

    def pipy_started(ports: list[str]) -> None:
        started.append(ports)

    registry = Registry()
    plugins = Plugins()
    plugins.load(registry, [plugin("good", filters("a")), plugin("bad", hook, pipy_started), plugin("late", filters("z"))])
    assert names(registry) == ["a", "z"]
    plugins.hook.pipy_started(ports=[])
    assert started == []
    line = log.getvalue()
    assert line.count("\n") == 1
    assert "[WRN] [plugins] plugin bad (acme 1.2): " in line
    assert reason in line


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("no_such_module_at_all", "ModuleNotFoundError: No module named 'no_such_module_at_all'"),
        ("io:no_such_name", "AttributeError"),
        ("io", "io implements no hook of Pipy"),
    ],
)
def test_a_plugin_that_is_none_is_left_out(value: str, reason: str, log: io.StringIO) -> None:
    Plugins().load(Registry(), [Installed(EntryPoint("odd", value, "pipy"), "acme", "1.2")])
    assert reason in log.getvalue()
    assert log.getvalue().count("\n") == 1


def test_the_same_module_under_two_names_is_let_in_once(plugin: Callable[..., Installed], log: io.StringIO) -> None:
    first = plugin("one", filters("a"))
    second = Installed(EntryPoint("two", first.entry_point.value, "pipy"), "acme", "1.2")
    registry = Registry()
    Plugins().load(registry, [first, second])
    assert names(registry) == ["a"]
    assert "plugin two (acme 1.2): it is the same as the plugin one (acme 1.2)" in log.getvalue()


def test_the_traceback_is_for_the_debug_level(plugin: Callable[..., Installed]) -> None:
    stream = io.StringIO()
    logs.configure("debug", stream=stream)
    Plugins().load(Registry(), [plugin("bad", named(raises, "pipy_register_filters"))])
    logs.configure()
    assert "[DBG] [plugins] Traceback" in stream.getvalue()


def test_a_broken_plugin_of_ours_stops_the_start(plugin: Callable[..., Installed]) -> None:
    broken = plugin("bad", named(raises, "pipy_register_filters"), distribution="pipy-proxy")
    with pytest.raises(PluginError, match=r"^plugin bad \(pipy-proxy 1.2\): RuntimeError: no luck$"):
        Plugins().load(Registry(), [broken])


def test_ours_are_installed_and_come_first() -> None:
    found = installed()
    ours = [each.built_in for each in found]
    assert ours[0]
    assert ours == sorted(ours, reverse=True)
    assert all(each.version for each in found)


PLUGIN = """
from pipy_core.api import Filter, hookimpl

class Nothing(Filter):
    def process(self, event):
        pass

@hookimpl
def pipy_register_filters(registry):
    registry.add_filter("acmeNothing", Nothing, help="Drops everything.")
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory that packages are installed in."""
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in ("acme_good", "acme_broken"):
        sys.modules.pop(name, None)


def install(site: Path, name: str, module: str, source: str) -> None:
    (site / f"{module}.py").write_text(source)
    info = site / f"{module}-3.4.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 3.4\n")
    (info / "entry_points.txt").write_text(f"[pipy]\n{name} = {module}\n")


def test_a_package_that_is_installed_is_found_and_a_broken_one_beside_it_left_out(site: Path, log: io.StringIO) -> None:
    install(site, "acme-good", "acme_good", PLUGIN)
    install(site, "acme-broken", "acme_broken", "import no_such_library\n")
    found = [each for each in installed() if not each.built_in]
    assert {"acme-good (acme-good 3.4)", "acme-broken (acme-broken 3.4)"} <= set(map(str, found))
    registry = Registry()
    Plugins().load(registry)
    assert registry.filter("acmeNothing").plugin == "acme-good (acme-good 3.4)"
    assert registry.filter("link").plugin.startswith("link (pipy-proxy ")
    assert (
        log.getvalue()
        .splitlines()[0]
        .endswith(
            "[WRN] [plugins] plugin acme-broken (acme-broken 3.4): "
            "ModuleNotFoundError: No module named 'no_such_library' (the plugin is left out)"
        )
    )
