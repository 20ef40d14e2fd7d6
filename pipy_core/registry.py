"""What is installed: filters, script sources, host functions. Filled by plugins at start, read-only afterwards."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pipy_core.counters import Figure
from pipy_core.errors import PluginError
from pipy_core.filter import Filter
from pipy_core.params import Form

_NAME: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_RESERVED: Final = frozenset({"listen", "task", "pipeline", "export", "import", "constructor", "then"})


@dataclass(frozen=True)
class FilterSpec:
    """Everything there is to know about a filter without running it.

    :ivar forms: the forms a call may take, most specific first; the single source of checks, help, reference and typings.
    :ivar loads_modules: the first argument names one module or an array of them, loaded while the script is evaluated.
    """

    name: str
    filter: type[Filter]
    forms: tuple[Form, ...]
    help: str
    group: str = "other"
    plugin: str = ""
    loads_modules: bool = False


@dataclass(frozen=True)
class ScriptSource:
    """A JavaScript source that adds globals: an expression that gives a function ``runtime => ({ name: value, ... })``.

    :ivar typings: TypeScript declarations of these globals, documented: what ``pipy types`` prints and the reference is made of.
    """

    name: str
    source: str
    typings: str = ""
    plugin: str = ""


class Registry:
    """The names that scripts may use, and who brought them."""

    def __init__(self, plugin: str = "pipy") -> None:
        self._filters: dict[str, FilterSpec] = {}
        self._sources: dict[str, ScriptSource] = {}
        self._functions: dict[str, Callable[..., Any]] = {}
        self._figures: dict[str, Figure] = {}
        self._owners: dict[tuple[str, str], str] = {}
        self._plugin = plugin

    def begin(self, plugin: str) -> None:
        """What is added from now on is brought by *plugin*."""
        self._plugin = plugin

    def add_filter(
        self,
        name: str,
        filter_type: type[Filter],
        *forms: Form,
        help: str,  # noqa: A002  # the word users of --help-filters know
        group: str = "other",
        loads_modules: bool = False,
    ) -> None:
        """Offer a filter to scripts under *name*.

        :param forms: the forms a call may take, each a sequence of ``Param``; none means that it takes no arguments.
        :param help: one paragraph, shown by ``pipy --help-filters``.
        :raises PluginError: the name is not an identifier or is taken; *filter_type* is no Filter. Names the plugins.
        """
        if not _NAME.fullmatch(name) or name in _RESERVED:
            raise PluginError(f"plugin {self._plugin}: {name!r} cannot be the name of a filter")
        if not (isinstance(filter_type, type) and issubclass(filter_type, Filter)):
            raise PluginError(f"plugin {self._plugin}: the filter {name!r} is not a subclass of Filter but {filter_type!r}")
        self._own("filter", name)
        self._filters[name] = FilterSpec(name, filter_type, tuple(forms) or ((),), help, group, self._plugin, loads_modules)

    def add_script(self, name: str, source: str, typings: str = "") -> None:
        """Add globals (or members of ``algo``) written in JavaScript; see ``ScriptSource``. *name* is what stack traces show."""
        self._own("script source", name)
        self._sources[name] = ScriptSource(name, source, typings, self._plugin)

    def add_function(self, name: str, function: Callable[..., Any]) -> None:
        """Add a host function, which a script source calls synchronously as ``runtime.host(name, ...arguments)``.

        It gets and gives JSON-like values and ``bytes``; it must not yield. An exception becomes an ``Error`` in the script.
        """
        self._own("host function", name)
        self._functions[name] = function

    def add_figure(self, figure: Figure) -> None:
        """Declare something that is counted with ``host.book``, so that it is shown at ``/metrics`` from the beginning.

        :raises PluginError: its name is taken.
        """
        self._own("figure", figure.name)
        self._figures[figure.name] = figure

    def merge(self, other: "Registry") -> None:
        """Take over everything that *other* holds.

        :raises PluginError: one of the names is taken; then nothing is taken over.
        """
        for what, name in other._owners:
            self._refuse_taken(other._plugin, what, name)
        self._owners |= other._owners
        self._filters |= other._filters
        self._sources |= other._sources
        self._functions |= other._functions
        self._figures |= other._figures

    def _own(self, what: str, name: str) -> None:
        self._refuse_taken(self._plugin, what, name)
        self._owners[what, name] = self._plugin

    def _refuse_taken(self, plugin: str, what: str, name: str) -> None:
        owner = self._owners.get((what, name))
        if owner is not None:
            raise PluginError(f"plugin {plugin}: the {what} {name!r} is already brought by {owner}")

    def filter(self, name: str) -> FilterSpec:
        """The filter called *name*; ``KeyError`` if there is none."""
        return self._filters[name]

    def filters(self) -> Iterator[FilterSpec]:
        """All filters by name."""
        return iter(sorted(self._filters.values(), key=lambda spec: spec.name))

    def sources(self) -> Sequence[ScriptSource]:
        """All script sources in the order they came."""
        return list(self._sources.values())

    def figures(self) -> Sequence[Figure]:
        """All figures that plugins have declared."""
        return list(self._figures.values())

    def functions(self) -> dict[str, Callable[..., Any]]:
        """All host functions."""
        return dict(self._functions)
