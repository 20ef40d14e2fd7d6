"""Which engines for scripts there are, and which of them is used. A module of an engine is imported only if it is."""

import importlib
import importlib.util
from dataclasses import dataclass
from typing import Any, Final

from pipy_core.errors import PipyError
from pipy_core.script.isolate import Isolate


@dataclass(frozen=True, slots=True)
class Kind:
    """An engine.

    :ivar title: what people call it.
    :ivar module, name: where its ``Isolate`` is.
    :ivar needs: the module without which it cannot be imported, and (``package``) what brings that.
    """

    title: str
    module: str
    name: str
    needs: str
    package: str

    @property
    def installed(self) -> bool:
        """Whether it can be used here."""
        return importlib.util.find_spec(self.needs) is not None

    def load(self) -> Any:
        """The class of its isolates."""
        return getattr(importlib.import_module(self.module), self.name)


KINDS: Final = {
    "v8": Kind("V8", "pipy_core.script.v8.isolate", "V8Isolate", "py_mini_racer", "mini-racer"),
    "quickjs": Kind("QuickJS", "pipy_core.script.quickjs.isolate", "QuickJSIsolate", "_quickjs", "pipy-proxy[quickjs]"),
}
#: What ``auto`` means: the first of these that is installed.
PREFERENCE: Final = ["v8", "quickjs"]


class EngineMissing(PipyError):
    """The engine that was asked for is not installed; the text says what to install."""


def chosen(name: str) -> Kind:
    """The engine called *name*, or the best there is for ``auto``.

    :raises EngineMissing: it is not installed.
    """
    names = PREFERENCE if name == "auto" else [name]
    for each in names:
        if KINDS[each].installed:
            return KINDS[each]
    kind = KINDS[names[0]]
    raise EngineMissing(f"the engine {kind.title} is not installed: pip install '{kind.package}', or choose another with --engine")


def make(name: str, heap_limit: int, on_host: Any) -> Isolate:
    """An isolate of the engine called *name*.

    :param heap_limit: bytes.
    :param on_host: see ``Isolate``.
    :raises EngineMissing: it is not installed.
    """
    isolate: Isolate = chosen(name).load()(heap_limit, on_host)
    return isolate


def version(name: str) -> tuple[str, str]:
    """What the engine called *name* is, and which version: ``("V8", "14.4.258.23")``.

    :raises EngineMissing: it is not installed.
    """
    kind = chosen(name)
    return kind.title, kind.load().version()
