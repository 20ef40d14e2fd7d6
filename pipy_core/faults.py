"""How a script's error is shown to its author (spec: cli-admin.md, 2.3). Pure: an error in, lines out."""

import traceback
from typing import Final

from pipy_core.errors import LoadError, PipyError, Place, RelayedError, ScriptError, StartError

_MAX_SOURCE: Final = 200  # characters of a source line: more would be a minified script
_MAX_MESSAGE: Final = 1000  # characters of a message, as in the original's log
_MAX_FRAMES: Final = 20


def explain(error: PipyError) -> tuple[str, str]:
    """Why a script could not be loaded or started: the component that it is logged for, and the text."""
    if isinstance(error, RelayedError):
        return error.component, str(error)
    if isinstance(error, ScriptError):
        return "pjs", "\n".join(render(error))
    return "listener" if isinstance(error, StartError) else "", str(error)


def render(error: ScriptError) -> list[str]:
    """The lines to log for *error*: the line of the script with a caret below, what went wrong, where, and who called."""
    if isinstance(error, LoadError):
        return _render(error) + [f"Cannot load module: {module}" for module in error.unloadable]
    return _render(error)


def _render(error: ScriptError) -> list[str]:
    lines = []
    if error.place.source.strip():
        lines += _show(error.place)
    head = f"{error.kind}: {error.message}" if error.kind and error.message else error.kind or error.message
    head = head if len(head) <= _MAX_MESSAGE else head[:_MAX_MESSAGE] + "..."
    if error.kind == "SyntaxError" and error.place.line:
        return [*lines, f"{head} at {_position(error.place)} in {error.place.path}"]
    lines.append(head)
    if error.place.path:
        lines.append(f"    in {error.place.path}" + (f" at {_position(error.place)}" if error.place.line else ""))
    frames = [frame.strip() for frame in error.stack.splitlines() if frame.strip()]
    if len(frames) > 1:  # a single one is the place that was just shown
        lines.append("Backtrace:")
        lines += [f"    {frame}" for frame in frames[:_MAX_FRAMES]]
    return lines


def render_bug(error: BaseException, where: str) -> str:
    """The text to log for *error*, a bug of ours or of a plugin: with its traceback."""
    return f"in {where}: {error!r}\n{''.join(traceback.format_exception(error)).rstrip()}"


def _position(place: Place) -> str:
    return f"line {place.line} column {place.column}" if place.column else f"line {place.line}"


def _show(place: Place) -> list[str]:
    """The source line without leading blanks, and a caret below the column if that is known."""
    source = place.source.strip()
    caret = place.column - 1 - (len(place.source) - len(place.source.lstrip()))
    if len(source) > _MAX_SOURCE:
        start = min(max(0, caret - _MAX_SOURCE // 2), len(source) - _MAX_SOURCE)
        source = source[start : start + _MAX_SOURCE]
        caret -= start
    head = f"Line {place.line}:  "
    shown = [head + source]
    if place.column and 0 <= caret <= len(source):
        # Tabs stay tabs, so that the caret stands where the eye expects it.
        shown.append(" " * len(head) + "".join("\t" if letter == "\t" else " " for letter in source[:caret]) + "^")
    return shown
