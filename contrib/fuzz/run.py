#!/usr/bin/env python3
"""Look for input that breaks a codec, for as long as you like.

    run.py mqtt --seconds 600       one target
    run.py --seconds 60             every target in turn, a minute each
    run.py --list                   what there is

A target is a module of this directory with a list ``PROPERTIES``: what must be true, each with the Hypothesis strategy that makes
the examples. The tests of the codecs try the same properties for a moment; here they are tried until the time is up. Whatever is
found is made small, printed, and kept in ``.hypothesis/fuzz``, where the next run begins. The exit code is 1 then.

Another codec joins with a file of its own: it needs ``PROPERTIES``, and nothing else. One whose properties need a script runs them
in its ``around(run)``, which calls ``run`` where they can work (see ``scripts.py``).
"""

import argparse
import importlib
import sys
import traceback
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from time import monotonic
from types import ModuleType
from typing import Final

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parents[1]
#: Targets may be called like modules of Python: this directory is no place to look for those.
sys.path = [str(ROOT), *(each for each in sys.path if each not in {str(ROOT), str(HERE)})]

from hypothesis import HealthCheck, Phase, given, settings  # noqa: E402  # found wherever it is started
from hypothesis.database import DirectoryBasedExampleDatabase  # noqa: E402

from contrib.fuzz.properties import Property  # noqa: E402
from pipy_core import logs  # noqa: E402

#: Modules that are no targets.
_OTHERS: Final = {"run", "properties", "scripts"}
#: So many examples are tried before the clock is looked at.
_BATCH: Final = 100


def targets() -> list[str]:
    """The names of all targets."""
    return sorted(path.stem for path in HERE.glob("*.py") if path.stem not in _OTHERS)


def fuzz(target: ModuleType, seconds: float, batch: int = _BATCH, folder: Path = ROOT / ".hypothesis" / "fuzz") -> list[str]:
    """Try all properties of *target* in turn for *seconds* in all; give what was found, one text for each property that fails.

    :param batch: how many examples are tried before the clock is looked at.
    :param folder: where what is found is kept.
    """
    found: list[str] = []

    def run() -> None:
        end = monotonic() + seconds
        left: list[Property] = list(target.PROPERTIES)
        while left:
            for each in list(left):
                failure = _try(each, batch, target.__name__, folder)
                if failure:
                    left.remove(each)
                    found.append(f"{target.__name__}: {each.name}\n{failure}")
            if monotonic() >= end:
                return

    around: Callable[[Callable[[], None]], None] = getattr(target, "around", lambda run: run())
    around(run)
    return found


def _try(each: Property, batch: int, target: str, folder: Path) -> str:
    def check(example: object) -> None:
        each.check(example)

    check.__module__ = target  # with the name it is what found examples are kept by
    check.__name__ = check.__qualname__ = each.name.replace(" ", "_")
    test = settings(
        max_examples=batch,
        deadline=None,
        database=DirectoryBasedExampleDatabase(folder),
        suppress_health_check=list(HealthCheck),
        phases=[Phase.reuse, Phase.generate, Phase.target, Phase.shrink],
        print_blob=True,
    )(given(each.examples)(check))
    try:
        test()
    except Exception as error:  # noqa: BLE001  # whatever it is, it is what we are looking for
        return "".join(traceback.format_exception(error))
    return ""


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="Look for input that breaks a codec.")
    parser.add_argument("target", nargs="*", choices=[[], *targets()], help="which codecs; all of them unless given")
    parser.add_argument("--seconds", type=float, default=60, help="for each target")
    parser.add_argument("--list", action="store_true", help="name the targets and what is tried of each")
    given_ = parser.parse_args()
    logs.configure("error", stream=StringIO())  # what codecs have to say of each example is too much
    found: list[str] = []
    for name in given_.target or targets():
        target = importlib.import_module(f"contrib.fuzz.{name}")
        if given_.list:
            print(f"{name}: {', '.join(each.name for each in target.PROPERTIES)}")
            continue
        print(f"{name} ...", flush=True)
        found += fuzz(target, given_.seconds)
    for text in found:
        print(text)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
