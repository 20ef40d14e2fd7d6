"""Puts the rooms together: settings, the log, plugins, then the worker. The only place that knows all; decides nothing else."""

import importlib
import os
import signal
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from pipy_core import faults, logs
from pipy_core.admin import entrance
from pipy_core.codebase.source import open_source
from pipy_core.errors import PipyError, PluginError
from pipy_core.net import access
from pipy_core.net.inherited import inherited_sockets
from pipy_core.net.notify import Notifier
from pipy_core.net.output import standard_output
from pipy_core.plugins import Plugins
from pipy_core.process import alone, supervised
from pipy_core.process.control import LEFT_TO_SUPERVISOR
from pipy_core.process.privileges import become, identity
from pipy_core.reference import typings
from pipy_core.registry import Registry
from pipy_core.script.typings import core_typings
from pipy_core.settings import Settings
from pipy_core.supervisor.opener import direct_opener, privileged_opener
from pipy_core.trial.typings import kit_typings

#: What is imported only when it is needed (``contrib/decisions``): the supervisor, and what evaluates a script for its types.
_SUPERVISOR: Final = "pipy_core.supervisor.supervisor"
_VARIABLES: Final = "pipy_core.trial.variables"


def load_plugins(settings: Settings, worker: int = 0) -> tuple[Registry, Plugins]:
    """Set up the log and let the plugins in.

    :param worker: see ``logs.configure``.
    :raises PluginError: the installation is broken.
    """
    _set_up_log(settings, worker)
    registry = Registry()
    plugins = Plugins()
    plugins.load(registry)
    return registry, plugins


def _set_up_log(settings: Settings, worker: int = 0) -> None:
    repeats = settings.limits.log_repeats
    logs.configure(settings.log_level, settings.log_format, standard_output(), repeats=repeats, worker=worker)


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
        variables = importlib.import_module(_VARIABLES).variables_of(registry, settings, script)
    return typings.render(f"{core_typings()}\n{kit_typings()}", registry.filters(), registry.sources(), variables)


def run(settings: Settings) -> int:
    """Run the script until the program ends, or only verify it.

    It is one process, unless there are to be several workers, or one that runs as somebody else.

    :returns: the exit code; 1 where it could not be started, with the reason in the log.
    :raises ArgumentError: what is set for the admin port does not go together.
    :raises PluginError: the installation is broken.
    """
    entrance.check(settings)
    _set_up_log(settings)
    try:
        code = _run_alone(settings) if settings.verify or _is_alone(settings) else _supervise(settings)
    except PluginError:
        raise
    except PipyError as error:
        return _failed(error)
    if settings.verify:
        logs.get_logger("config").info(f"{settings.script} is good")
    return code


def _failed(error: PipyError) -> int:
    component, text = faults.explain(error)
    logs.get_logger(component).error(text)
    return 1


def serve(descriptor: int) -> int:
    """Be a worker of the supervisor at the other end of *descriptor*.

    :returns: the exit code.
    """
    for number in LEFT_TO_SUPERVISOR:
        signal.signal(number, _ignore)  # not SIG_IGN: programs that the script starts would inherit it
    signal.pthread_sigmask(signal.SIG_UNBLOCK, LEFT_TO_SUPERVISOR)  # see WorkerProcess
    os.set_inheritable(descriptor, False)
    sock = socket.socket(fileno=descriptor)
    try:
        told = supervised.welcome(sock)
        registry, plugins = load_plugins(told.settings, told.number if told.settings.threads > 1 else 0)
        return supervised.run(sock, told, registry, plugins.hook)
    except PipyError as error:
        return _failed(error)


def _ignore(_number: int, _frame: Any) -> None:
    """The supervisor passes on what is meant for us."""


def _is_alone(settings: Settings) -> bool:
    return settings.threads == 1 and not settings.user and not settings.group


def _run_alone(settings: Settings) -> int:
    registry, plugins = load_plugins(settings)
    manager, sockets = Notifier.of(os.environ), inherited_sockets(os.environ)
    return alone.run(settings, registry, plugins.hook, open_source(settings), manager, sockets)


def _supervise(settings: Settings) -> int:
    manager, sockets = Notifier.of(os.environ), inherited_sockets(os.environ)
    wanted = identity(settings.user, settings.group) if settings.user or settings.group else None
    if wanted is None:
        opened = direct_opener(reuse_port=settings.reuse_port)
    else:  # before anything of the script, of a plugin, or from the network is looked at
        opened = privileged_opener(reuse_port=settings.reuse_port)
        become(wanted)
    if settings.request_log:  # one clear word instead of one from each worker
        access.check_file(settings.access_log_file)
    registry, plugins = load_plugins(settings)
    make = importlib.import_module(_SUPERVISOR).Supervisor
    return int(make(settings, registry, plugins.hook, open_source(settings), manager, opened, sockets).run())
