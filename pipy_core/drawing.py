"""How the pipelines of a module are drawn when it has been loaded (spec: cli-admin.md, 2.2 and 2.4). Pure: lines in a list.

Knows of filters only what a layout says about them: a label, and which sub-pipelines they send events to.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from pipy_core.errors import ArgumentError
from pipy_core.filter import Target
from pipy_core.layout import Layout, Use

_FIRST_COLUMN: Final = 6  # where the filters of a root stand
_INDENT: Final = 7  # how much further right those of a sub-pipeline stand

#: Sub-pipelines are drawn wherever they are linked, so a drawing can be much longer than its script. Beyond so many lines, and so
#: many levels, they are drawn without their filters.
_MAX_LINES: Final = 2000
_MAX_DEPTH: Final = 40


def draw(module_path: str, roots: Sequence[tuple[str, Layout]], named: Sequence[Layout]) -> list[str]:
    """Draw all pipelines of a module.

    :param module_path: such as ``/proxy.js``.
    :param roots: titles, such as ``Listen on 8000 at 0.0.0.0`` and ``Task #1 (1s)``, and what they run.
    :param named: the named pipelines of the module; those that are linked from somewhere are drawn there only.
    :returns: the lines to log, without a prefix.
    :raises ArgumentError: ``recursive pipeline: X``: X would run inside itself.
    """
    title = f"Module {module_path}"
    lines = ["", title, "=" * len(title), ""]
    layouts = [layout for _, layout in roots] + list(named)
    for layout in layouts:
        refuse_recursion(layout)
    linked = {id(target) for layout in layouts for target in _targets(layout)}
    orphans = [(layout.name, layout) for layout in named if id(layout) not in linked]
    for each_title, layout in _by_title(roots) + _by_title(orphans):
        lines += _Drawing(each_title, layout).lines
        lines.append("")
    return lines


def refuse_recursion(layout: Layout) -> None:
    """Look through everything that *layout* links to.

    :raises ArgumentError: ``recursive pipeline: X``, where X links to itself, perhaps by way of others.
    """
    path = [layout]
    checked: set[int] = set()
    pending: list[Iterator[Layout]] = [_targets(layout)]
    while path:
        target = next(pending[-1], None)
        if target is None:
            checked.add(id(path.pop()))
            pending.pop()
        elif target in path:
            raise ArgumentError(f"recursive pipeline: {target.name}")
        elif id(target) not in checked:
            path.append(target)
            pending.append(_targets(target))


def _targets(layout: Layout) -> Iterator[Layout]:
    for use in layout.uses:
        for target in use.targets:
            if isinstance(target, Layout):
                yield target


def _by_title(entries: Iterable[tuple[str, Layout]]) -> list[tuple[str, Layout]]:
    return sorted(entries, key=lambda entry: entry[0])


class _Drawing:
    """One root. ``_bars`` are the columns in which a line goes down on the left of what is being drawn."""

    def __init__(self, title: str, layout: Layout) -> None:
        self.lines = [f" [{title}]", " ----->|", "       |"]
        self._bars: list[int] = []
        exits = self._filters(layout, _FIRST_COLUMN)
        last = layout.uses[-1] if layout.uses else None
        if last is not None and last.joins == "link" and last.targets:
            column = self._collect(exits)
            self.lines.append(" " * column + "|")
            self.lines.append(" <" + "-" * (column - 2) + "|")
        else:
            if self.lines[-1] != "       |":
                self.lines.append("       |")
            self.lines.append(" <-----|")

    def _filters(self, layout: Layout, column: int) -> list[int]:
        """Draw the filters of *layout* below each other; give the numbers of the lines where events leave it."""
        exits = [len(self.lines) - 1]
        last = len(layout.uses) - 1
        for number, use in enumerate(layout.uses):
            self._put(column, use.label)
            exits = [len(self.lines) - 1]
            if use.joins == "link" and use.targets:
                exits = self._link(use, column + 1)
                if number < last:
                    self._rejoin(exits, column + 1)
            elif use.joins == "fork" and use.targets:
                self._fork(use, column + 1)
                exits = [len(self.lines) - 1]
        return exits

    def _link(self, use: Use, bar: int) -> list[int]:
        """Draw branches whose output is the filter's output; give the lines where events leave them."""
        exits = []
        for number, target in enumerate(use.targets, 1):
            self._put(bar, "|")
            self._put(bar, f"|--> {_title(target)}")
            if number < len(use.targets):
                self._bars.append(bar)
            exits += self._branch(target, bar)
            if number < len(use.targets):
                self._bars.pop()
        return exits

    def _fork(self, use: Use, bar: int) -> None:
        """Draw branches whose output goes nowhere: the line goes on past them."""
        self._put(bar, "|")
        for target in use.targets:
            self._put(bar, f"|--> {_title(target)}")
            self._bars.append(bar)
            self._branch(target, bar)
            self._bars.pop()
            self._put(bar, "|")

    def _branch(self, target: Target | None, bar: int) -> list[int]:
        column = bar + _INDENT - 1
        if not isinstance(target, Layout):
            return [len(self.lines) - 1]
        if len(self.lines) > _MAX_LINES or column > _MAX_DEPTH * _INDENT:
            self._put(column, "...")
            return [len(self.lines) - 1]
        return self._filters(target, column)

    def _rejoin(self, exits: list[int], bar: int) -> None:
        """Lead the *exits* of branches back to the column of the filter, above its successor."""
        column = self._collect(exits)
        self._put(column, "|")
        self._put(column, "v")
        self._put(bar, "|<" + "-" * (column - bar - 1))
        self._put(bar, "|")
        self._put(bar, "v")

    def _collect(self, exits: list[int]) -> int:
        """Draw arrows from the lines *exits* to a line on the right that leads down to the end; give its column."""
        first = exits[0]
        column = max(len(line) + (4 if number in exits else 1) for number, line in enumerate(self.lines[first:], first))
        for number in range(first, len(self.lines)):
            line = self.lines[number]
            if number in exits:
                line += ("" if line.endswith("|") else " ") + ">"
                line = line[:-1] + "-" * (column - len(line)) + ">"
            self.lines[number] = line.ljust(column) + "|"
        return column

    def _put(self, column: int, text: str) -> None:
        """Add a line with *text* in *column*, and the bars left of it."""
        self.lines.append("".join("|" if position in self._bars else " " for position in range(column)) + text)


def _title(target: Target | None) -> str:
    return f"[{target.name}]" if target is not None and target.name else "[[empty]]"
