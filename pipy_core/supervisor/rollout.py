"""How all workers change to a new version of the script together, or none of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec.structs

from pipy_core.codebase.snapshot import Snapshot
from pipy_core.errors import PipyError, RelayedError
from pipy_core.logs import get_logger
from pipy_core.process import control
from pipy_core.supervisor.process import WorkerEnded, WorkerProcess
from pipy_core.supervisor.sockets import Sockets

_log = get_logger("")


@dataclass(frozen=True)
class Version:
    """What the workers run. :ivar order: how to load it; the files that were read are in it."""

    number: int
    order: control.Load
    addresses: tuple[control.Address, ...]
    signals: tuple[str, ...]


def roll_out(
    workers: Sequence[WorkerProcess], snapshot: Snapshot, number: int, sockets: Sockets, settled: Callable[[Version], None]
) -> None:
    """Let *workers* load *snapshot*, the first one alone, the others what the first one has read; then let them switch.

    A worker that ends meanwhile is left out: whoever replaces it has it load the new version.

    :param settled: called when nothing can keep the workers from switching any more.
    :raises PipyError: it cannot be loaded, or a port cannot be opened: nothing has changed.
    """
    first, *others = workers
    order = control.Load(number, str(snapshot.root), snapshot.main, snapshot.version, dict(snapshot.pinned), first=True)
    first.begin_load(order)
    loaded = first.loaded(number)
    order = msgspec.structs.replace(order, first=False, pinned={**snapshot.pinned, **loaded.seen})
    version = Version(number, order, tuple(loaded.addresses), tuple(loaded.signals))
    try:
        prepared = [first, *_load(others, order)]
        wanted = sockets.want(version.addresses)
    except PipyError:
        for each in workers:
            each.send(control.Abandon(number))
        raise
    settled(version)
    for each in prepared:
        each.begin_commit(number, wanted)
    for each in prepared:
        _await_commit(each, number)
    sockets.keep(wanted)


def catch_up(worker: WorkerProcess, version: Version, sockets: Sockets) -> None:
    """Let a new worker run what the others run.

    :raises PipyError: it cannot.
    """
    worker.begin_load(version.order)
    worker.loaded(version.number)
    worker.begin_commit(version.number, sockets.want(version.addresses))
    worker.committed(version.number)


def _load(workers: Sequence[WorkerProcess], order: control.Load) -> list[WorkerProcess]:
    """Those that have loaded it. All have answered when this returns, or raises what one of them said."""
    for each in workers:
        each.begin_load(order)
    prepared: list[WorkerProcess] = []
    failures: list[RelayedError] = []
    for each in workers:
        try:
            each.loaded(order.generation)
        except WorkerEnded as error:
            _log.warning(str(error))
        except RelayedError as error:
            failures.append(error)
        else:
            prepared.append(each)
    if failures:
        raise failures[0]
    return prepared


def _await_commit(worker: WorkerProcess, number: int) -> None:
    try:
        worker.committed(number)
    except WorkerEnded as error:
        worker.kill(str(error))
    except RelayedError as error:  # it must not go on with something else than the others
        _log.error(f"{worker.name}: {error}")
        worker.kill("killed, since it could not follow the others")
