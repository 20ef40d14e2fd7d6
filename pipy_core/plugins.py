"""Which plugins are installed, and letting them in. Ours come by the same door as everybody's: the entry point group ``pipy``.

A stranger's plugin that cannot be used costs one line in the log and nothing else; one of ours is a reason not to start.
"""

import importlib.metadata
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import Distribution, EntryPoint
from typing import Final

import pluggy

from pipy_core import hookspecs
from pipy_core.errors import PluginError
from pipy_core.logs import get_logger
from pipy_core.registry import Registry

GROUP: Final = "pipy"
_OURS: Final = "pipy-proxy"

_log: Final = get_logger("plugins")


@dataclass(frozen=True, slots=True)
class Installed:
    """An entry point: what it is called, and the distribution that brought it."""

    entry_point: EntryPoint
    distribution: str
    version: str

    @property
    def name(self) -> str:
        """As its author calls it."""
        return self.entry_point.name

    @property
    def built_in(self) -> bool:
        """Whether it comes with Pipy itself."""
        return self.distribution == _OURS

    def __str__(self) -> str:
        return f"{self.name} ({self.distribution} {self.version})"


def installed() -> list[Installed]:
    """All plugins there are, without loading them: ours first, so that in a clash of names the stranger is refused."""
    return _in_order(importlib.metadata.entry_points(group=GROUP))


def _in_order(entry_points: Iterable[EntryPoint]) -> list[Installed]:
    known: dict[Distribution | None, tuple[str, str]] = {None: ("unknown", "unknown")}
    found = []
    for entry_point in entry_points:
        dist = entry_point.dist
        if dist is not None and dist not in known:  # a look at its name is a look at its whole README
            known[dist] = dist.name, dist.version
        found.append(Installed(entry_point, *known[dist]))
    return sorted(found, key=lambda each: (not each.built_in, each.distribution, each.name))


class Plugins:
    """The plugins of this process.

    :ivar hook: calls hooks in all of them, as ``hook.pipy_started(ports=[...])``.
    """

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager("pipy")
        self._manager.add_hookspecs(hookspecs)
        self.hook = self._manager.hook

    def load(self, registry: Registry, found: Iterable[Installed] | None = None) -> None:
        """Import the plugins and let them fill *registry*; all that one brings is taken, or nothing of it.

        :param found: what to load; everything that is installed unless given.
        :raises PluginError: one of our own plugins cannot be used: the installation is broken.
        """
        steps: list[Callable[[Installed, Registry], None]] = [
            self._register,
            partial(self._call, "pipy_register_filters"),
            partial(self._call, "pipy_register_scripts"),
            lambda _each, scratch: registry.merge(scratch),
        ]
        candidates = [(each, Registry(str(each))) for each in (installed() if found is None else found)]
        for step in steps:
            candidates = [(each, scratch) for each, scratch in candidates if self._attempt(step, each, scratch)]

    def _attempt(self, step: Callable[[Installed, Registry], None], each: Installed, scratch: Registry) -> bool:
        """Do one step of letting *each* in; where it fails, see that nothing of it remains."""
        try:
            step(each, scratch)
        except (Exception, SystemExit) as error:
            self._manager.unregister(name=str(each))
            reason = str(error) if isinstance(error, PluginError) else f"plugin {each}: {type(error).__name__}: {error}"
            reason = " ".join(reason.split())
            if each.built_in:
                raise PluginError(reason) from error
            _log.warning(f"{reason} (the plugin is left out)")
            _log.debug("The reason in full:", exception=traceback.format_exc())
            return False
        return True

    def _register(self, each: Installed, _scratch: Registry) -> None:
        plugin = each.entry_point.load()
        if self._manager.is_registered(plugin):
            raise PluginError(f"plugin {each}: it is the same as the plugin {self._manager.get_name(plugin)}")
        self._manager.register(plugin, name=str(each))
        self._manager.check_pending()
        if not self._manager.get_hookcallers(plugin):
            raise PluginError(f"plugin {each}: {each.entry_point.value} implements no hook of Pipy")

    def _call(self, hook: str, each: Installed, scratch: Registry) -> None:
        plugin = self._manager.get_plugin(str(each))
        others = [other for other in self._manager.get_plugins() if other is not plugin]
        self._manager.subset_hook_caller(hook, others)(registry=scratch)
