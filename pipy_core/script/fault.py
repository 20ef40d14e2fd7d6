"""What the engine says about an exception, read: where in the script it happened, and through which of its functions. Pure."""

import re
from typing import Final

import msgspec.json

from pipy_core.errors import Place, ScriptError
from pipy_core.script.host import Codebase

#: A frame of a script's own file in V8's text of a stack.
_FRAME: Final = re.compile(
    r"^\s*at (?:(?P<name>.+?) \()?(?:.*?, )?pipy://(?P<path>/[^():]*):(?P<line>\d+):(?P<column>\d+)\)?$", re.MULTILINE
)
#: V8's words for functions that have no name; those of a script have been evaluated, all of them.
_NAMES: Final = {None: "(anonymous)", "eval": "(anonymous)"}
#: V8's text about an uncaught error: file, line, message, source line, caret.
_UNCAUGHT: Final = re.compile(
    r"^[^\n]*?:(?P<line>\d+): (?P<kind>\w+): (?P<message>[^\n]*)\n(?P<source>[^\n]*)\n(?P<caret> *)\^", re.MULTILINE
)
#: QuickJS' words for a call of what is no function, which do not say what that is. Its place is where the last name begins.
_NO_FUNCTION: Final = "not a function"
_CALLED: Final = re.compile(r"(?P<name>[\w$]+(?:\.[\w$]+)*)\s*(?:\?\.)?\s*\(")
_OWNERS: Final = re.compile(r"(?P<new>\bnew\s+)?(?:[\w$]+\??\.)*$")


class Fault(ScriptError):
    """An exception of the script, as the entry function reports it: not yet placed."""

    def __init__(self, fault: str | bytes) -> None:
        self._fault = msgspec.json.decode(fault)
        self.is_syntax = self._fault["kind"] == "SyntaxError" and "pipy-evaluate" in _first_frame(self._fault["stack"])
        super().__init__(self._fault["kind"], self._fault["message"])

    def placed(self, codebase: Codebase, otherwise: Place | None = None) -> ScriptError:
        """The same error with its place: that of the script's innermost frame, or *otherwise*; and without frames of ours."""
        place = place_of(self._fault["stack"], codebase) or otherwise
        message = self.message
        if message == _NO_FUNCTION and place is not None and _FRAME.match(_first_frame(self._fault["stack"])):
            message = _name_what_is_called(place)
        if self.kind == "SyntaxError" and place is not None and place.source[place.column - 1 : place.column] == "/":
            message = _name_expression(message)
        frames = [
            f"{_NAMES.get(match['name'], match['name'])} at {match['path']}:{match['line']}:{match['column']}"
            for match in _FRAME.finditer(self._fault["stack"])
        ]
        return ScriptError(self.kind, message, place, "\n".join(frames))


def _name_what_is_called(place: Place) -> str:
    """What V8 would say, as far as the source line tells."""
    called = _CALLED.match(place.source, place.column - 1)
    owners = _OWNERS.search(place.source[: place.column - 1])
    if called is None or owners is None:
        return _NO_FUNCTION
    is_new = owners["new"] is not None
    name = called["name"] if is_new else called["name"].partition(".")[0]
    return f"{owners[0].removeprefix(owners['new'] or '')}{name} is not a {'constructor' if is_new else 'function'}"


def _name_expression(message: str) -> str:
    """An error in the regular expression that stands there: QuickJS does not say that it is one."""
    begins = "Invalid regular expression: "
    return message if message.startswith((begins, "Unexpected token", "unexpected token")) else begins + message


def place_of(stack: str, codebase: Codebase) -> Place | None:
    """Where in the script the innermost of its frames in *stack* stands."""
    match = _FRAME.search(stack)
    if match is None:
        return None
    line = int(match["line"])
    return Place(match["path"], line, int(match["column"]), codebase.line(match["path"], line))


def _first_frame(stack: str) -> str:
    return next((line for line in stack.splitlines() if line.lstrip().startswith("at ")), "")


def uncaught(text: str, path: str) -> ScriptError:
    """The error that V8's *text* tells of, in the script at *path*."""
    match = _UNCAUGHT.search(text)
    if match is None:
        return ScriptError("SyntaxError", text.strip().split("\n")[-1], Place(path))
    place = Place(path, int(match["line"]), len(match["caret"]) + 1, match["source"])
    return ScriptError(match["kind"], match["message"], place)
