"""Script sources of plugins in a bare engine, without the runtime that embeds them in a program."""

import importlib
import json
import re
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from pipy_core.registry import Registry
from tests.engine import ENGINE

_ERROR = re.compile(r"\w*Error: .*")

# Installs globals as the runtime does, and stands in for what it offers to plugins. Data holds text; null: it is not UTF-8.
_RUNTIME = """
class Data {
  constructor(text) { this.text = text; }
  get size() { return unescape(encodeURIComponent(this.text)).length; }
  toString() { return this.text ?? undefined; }
}
const install = (answers, source) => {
  const runtime = Object.freeze({ Data, host: (name) => answers[name] });
  for (const [name, value] of Object.entries(source(runtime))) {
    const isObject = value !== null && typeof value === "object" && typeof globalThis[name] === "object";
    if (isObject) Object.assign(globalThis[name], value);
    else Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
};
const { parse } = JSON;
const show = (value) => {
  if (value === undefined) return "undefined";
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
};
"""


class ScriptError(Exception):
    """The script threw; the text is the name and message of what it threw."""


def _bare() -> tuple[Callable[[str], Any], type[Exception], Callable[[], None]]:
    """A world without anything: what evaluates a source there, what that raises, and what ends it."""
    if ENGINE == "quickjs":
        quickjs = importlib.import_module("quickjs")
        return quickjs.Context().eval, quickjs.JSException, lambda: None
    importlib.import_module("pipy_core.script.v8.binding").initialize()  # once per process, with the flags of the real isolate
    racer = importlib.import_module("py_mini_racer")
    world = racer.MiniRacer()
    return world.eval, racer.JSEvalException, world.close


class Script:
    """An isolate with the globals of some plugins."""

    def __init__(self, plugins: tuple[ModuleType, ...]) -> None:
        self._eval, self._error, self.close = _bare()
        self._eval(_RUNTIME)
        registry = Registry()
        for plugin in plugins:
            plugin.pipy_register_scripts(registry)
        answers = json.dumps({name: function() for name, function in registry.functions().items()})
        for source in registry.sources():
            self._eval(f"install({answers}, (() => {{ 'use strict'; return ({source.source}) }})())")

    def __call__(self, expression: str, **variables: Any) -> Any:
        """What *expression* gives, through JSON; undefined, NaN and infinities come as their names.

        Each of *variables* is a parameter of the function around it.
        """
        # parsed, not written down as literals: `__proto__` is a name like any other there
        names, values = ", ".join(variables), ", ".join(f"parse({json.dumps(json.dumps(each))})" for each in variables.values())
        try:
            text = self._eval(
                f"JSON.stringify([(({names}) => {{ 'use strict'; return ({expression}) }})({values})].map(show)).substring(0)"
            )
        except self._error as error:
            raise ScriptError(_ERROR.search(str(error))[0]) from error  # type: ignore[index]  # every error has a name
        return json.loads(text)[0]


@pytest.fixture(scope="module")
def script_of() -> Iterator[Callable[..., Script]]:
    """Makes a ``Script`` of plugin modules. Its isolate ends with the test module."""
    made: list[Script] = []

    def make(*plugins: ModuleType) -> Script:
        made.append(Script(plugins))
        return made[-1]

    yield make
    for script in made:
        script.close()
