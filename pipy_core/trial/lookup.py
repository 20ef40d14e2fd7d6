"""Finding what a test names in a script: ports, tasks, pipelines. Pure; what is not there is told with what is."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pipy_core.errors import ArgumentError, PipyError
from pipy_core.layout import Layout
from pipy_core.script.declarations import parse_port
from pipy_core.script.program import Port, Program, Task

_INBOUND: Final = {"remoteAddress": "127.0.0.1", "remotePort": 0, "localAddress": "127.0.0.1"}
#: Where the ports of clients begin that are given none.
_FIRST_PORT: Final = 40000


class NotThere(PipyError):
    """The script has no such port, pipeline or task. The text says what it has."""


def find_port(program: Program, address: Any = None) -> Port:
    """A port.

    :param address: as the script says it to ``listen``; a bare number stands for any address; None: the only one there is.
    :raises NotThere: there is none.
    """
    ports = [port for module in program.modules for port in module.ports]
    if address is None:
        found = ports if len({port.address for port in ports}) == 1 else []
    elif isinstance(address, int | float) and not isinstance(address, bool):
        found = [port for port in ports if port.address[1] == address]
    else:
        found = [port for port in ports if port.address == _parse(address)]
    if not found:
        there = listing(f"{number} at {host}" for host, number in (port.address for port in ports))
        raise NotThere(f"the script does not listen on {_quoted(address, 'one port only')}: {there}")
    return found[-1]


def find_pipeline(program: Program, path: str, name: str) -> Layout:
    """The pipeline *name* of the module at *path*. :raises NotThere: there is none."""
    wanted = "/" + path.removeprefix("./").lstrip("/")
    module = next((each for each in program.modules if each.path == wanted), None)
    if module is None:
        raise NotThere(f"the script has no module {path!r}: {listing(each.path for each in program.modules)}")
    if name not in module.pipelines:
        raise NotThere(f"{module.path} has no pipeline {name!r}: {listing(map(repr, module.pipelines))}")
    return module.pipelines[name]


def find_task(program: Program, which: Any = None) -> Task:
    """A task.

    :param which: what the script says to ``task``, or its number from 1; None: the only one there is.
    :raises NotThere: there is none.
    """
    tasks = [task for module in program.modules for task in module.tasks]
    if which is None:
        found = tasks if len(tasks) == 1 else []
    else:
        found = [task for number, task in enumerate(tasks, 1) if number == which or task.name.endswith(f"({which})")]
    if not found:
        raise NotThere(f"the script has no task {_quoted(which, 'that is the only one')}: {listing(task.name for task in tasks)}")
    return found[0]


def inbound_of(options: Mapping[str, Any], number: int, local_port: int) -> tuple[Any, ...]:
    """What scripts see in ``__inbound``: id, remote address and port, local address and port.

    :param number: of the connection.
    :raises TypeError: an option is unknown.
    """
    unknown = set(options) - set(_INBOUND)
    if unknown:
        raise TypeError(f"there is no option {min(unknown)}; there are {listing(_INBOUND)}")
    given = {**_INBOUND, **options}
    remote_port = given["remotePort"] or _FIRST_PORT + number
    return (number, given["remoteAddress"], remote_port, given["localAddress"], local_port)


def listing(names: Iterable[Any]) -> str:
    """Names in a row."""
    return ", ".join(map(str, names)) or "there is none"


def _parse(address: Any) -> tuple[str, int]:
    if not isinstance(address, str):
        raise NotThere(f"no port is called {address!r}")
    try:
        return parse_port(address)
    except ArgumentError as error:
        raise NotThere(f"no port is called {address!r}: {error}") from None


def _quoted(given: Any, otherwise: str) -> str:
    return otherwise if given is None else repr(given)
