"""The hooks a plugin may implement. They run while the program is built or ends, never per event."""

import pluggy

from pipy_core.pages import Pages
from pipy_core.registry import Registry

hookspec = pluggy.HookspecMarker("pipy")
hookimpl = pluggy.HookimplMarker("pipy")


@hookspec
def pipy_register_filters(registry: Registry) -> None:
    """Offer filters to scripts, joins included.

    Called once per process, before any script is evaluated. Do no I/O here.

    :param registry: call ``registry.add_filter("name", FilterClass, [Param(...), ...], help="...")`` for each filter.

    .. versionadded:: 0.1
    """


@hookspec
def pipy_register_scripts(registry: Registry) -> None:
    """Offer globals and ``algo`` members written in JavaScript, and host functions they call.

    Called once per process, after all filters are registered. Do no I/O here but reading the plugin's own sources.

    :param registry: call ``registry.add_script("name", source, typings)`` and ``registry.add_function("name", function)``.

    .. versionadded:: 0.1
    """


@hookspec
def pipy_register_pages(pages: Pages) -> None:
    """Offer pages of the admin port, and figures for ``/metrics``.

    Called once in each process: in each worker, and in the supervisor where there are several. A page may wait for something.

    :param pages: call ``pages.add("/path", function)`` for each page; ``pages.instance`` tells about the program.
        ``pages.add_figures(function)`` has a function asked in each worker.

    .. versionadded:: 0.1
    """


@hookspec
def pipy_started(ports: list[str]) -> None:
    """The program runs and its ports are open.

    Called in the worker after each successful start or reload. An exception is logged and goes no further.

    :param ports: the addresses listened on, such as ``0.0.0.0:8000``.

    .. versionadded:: 0.1
    """


@hookspec
def pipy_stopping() -> None:
    """The program is about to end: connections have been drained or cut. Release what ``pipy_started`` took.

    .. versionadded:: 0.1
    """
