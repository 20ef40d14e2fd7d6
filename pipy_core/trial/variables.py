"""The variables that a script and its modules declare, found by loading it."""

from pathlib import Path

from pipy_core.registry import Registry
from pipy_core.settings import Settings
from pipy_core.trial.bench import Bench
from pipy_core.trial.runner import on_bench
from pipy_core.trial.trial import Trial


def variables_of(registry: Registry, settings: Settings, script: Path) -> dict[str, str]:
    """Their names, with their TypeScript types: ``any`` where several modules have one of the same name and do not agree.

    :param script: an absolute path.
    :raises LoadError: it cannot be loaded.
    """
    found: dict[str, str] = {}

    def work(bench: Bench) -> None:
        for module in Trial(bench, script).program.modules:
            for name, kind in module.variables.items():
                found[name] = kind if found.get(name, kind) == kind else "any"

    on_bench(registry, settings, work)
    return found
