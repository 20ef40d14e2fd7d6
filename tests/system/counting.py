"""``pipy`` that tells what it holds: who connects to ``PIPY_COUNTS_PORT`` gets one JSON object. Run by tests that look for leaks."""

import gc
import json
import os
import socket
import sys
from collections import Counter
from typing import Any

from greenlet import greenlet

from pipy_core import cli
from pipy_core.process import worker

#: What a connection consists of; a finished one leaves none of them.
TYPES = ("Connection", "Inbound", "Outbound", "Pipeline", "Context", "Head", "RequestHead", "ResponseHead")


class CountingWorker(worker.Worker):
    """A worker with one more port."""

    def main(self) -> None:
        """See ``Worker``."""
        super().main()
        self._server = socket.create_server(("127.0.0.1", int(os.environ["PIPY_COUNTS_PORT"])))
        self._watcher = self.reactor.loop.io(self._server.fileno(), 1)
        self._watcher.start(self._accept)

    def _accept(self) -> None:
        """Runs in the hub, which would come back for a client that is not accepted at once; then there is one too few to wait for."""
        self.reactor.spawn(self._tell_counts, self._server.accept()[0])

    def _tell_counts(self, client: socket.socket) -> None:
        with client:
            client.sendall(json.dumps(self._counts()).encode())

    def _counts(self) -> dict[str, int]:
        gc.collect()
        self.engine._sweep()  # it also delivers the commands that are queued
        in_script = self.engine.count()
        isolate: Any = self.engine.isolate
        objects = gc.get_objects()
        types = Counter(type(each).__name__ for each in objects)
        return {
            **{f"script {name}": count for name, count in in_script.items()},
            **{f"codec {name}": count for name, count in self.engine.codec.counts().items()},
            **{name: types[name] for name in TYPES},
            "greenlets": sum(isinstance(each, greenlet) and not each.dead for each in objects),
            "V8 handles": isolate.handle_count(),
            "commands": len(self.engine.contexts),
        }


if __name__ == "__main__":
    worker.Worker = CountingWorker  # type: ignore[misc]
    sys.exit(cli.main())
