"""Puts the rooms together: settings, the log, plugins, then the worker. The only place that knows all; decides nothing else."""

import os
from dataclasses import replace
from pathlib import Path

from pipy_core import faults, logs
from pipy_core.errors import LoadError, StartError
from pipy_core.plugins import Plugins
from pipy_core.reference import typings
from pipy_core.registry import Registry
from pipy_core.script.typings import core_typings
from pipy_core.settings import Settings
from pipy_core.trial.typings import kit_typings
from pipy_core.trial.variables import variables_of
from pipy_core.worker import run as run_worker


def load_plugins(settings: Settings) -> tuple[Registry, Plugins]:
    """Set up the log and let the plugins in.

    :raises PluginError: the installation is broken.
    """
    logs.configure(settings.log_level, settings.log_format)
    registry = Registry()
    plugins = Plugins()
    plugins.load(registry)
    return registry, plugins


def declare(settings: Settings) -> str:
    """TypeScript declarations of all that is installed, and of the variables of the script, if there is one.

    :raises LoadError: the script cannot be loaded.
    :raises PluginError: the installation is broken.
    """
    registry, _ = load_plugins(replace(settings, log_level="error"))
    variables = {}
    if settings.script:
        script = Path(settings.script)
        os.chdir(script.parent)
        variables = variables_of(registry, settings, script)
    return typings.render(f"{core_typings()}\n{kit_typings()}", registry.filters(), registry.sources(), variables)


def run(settings: Settings) -> int:
    """Run the script until the program ends, or only verify it.

    :returns: the exit code; 1 where it could not be started, with the reason in the log.
    :raises PluginError: the installation is broken.
    """
    registry, plugins = load_plugins(settings)
    try:
        code = run_worker(settings, registry, plugins.hook)
    except LoadError as error:
        logs.get_logger("pjs").error("\n".join(faults.render(error)))
    except StartError as error:
        logs.get_logger("listener").error(str(error))
    else:
        if settings.verify:
            logs.get_logger("config").info(f"{settings.script} is good")
        return code
    return 1
