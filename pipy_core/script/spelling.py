"""What the original's engine reads and ECMAScript refuses, respelled so that V8 reads it with the same meaning. Pure.

Two things that scripts of the original really say:

* ``a?.b.c = v``. ``?.`` does not end the chain there, so where ``a`` is not there the assignment fails, as ``a.b.c = v`` does.
* ``(_, _, v) => v``. The first parameter of a name counts.

Each is replaced by something as long as it was: places in errors stay right. Only scripts that V8 has refused come here, and only
what it refuses is touched. What is no script of the original, having statements or regular expressions, stays as it is.

Spec: api.md, 1.1.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final, NamedTuple

_TOKEN: Final = re.compile(
    r"""(?P<blank> \s+ | //[^\n]* | /\*.*?\*/ )
      | (?P<value> "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' | \.?\d(?:[eE][+-]|[\w.])* )
      | (?P<name> [\w$]+ )
      | (?P<mark> >>>= | \.\.\. | \*\*= | <<= | >>=? | &&= | \|\|= | \?\?= | => | [=!]==? | [-+*/%&|^]= | \+\+ | -- | \?\.(?!\d)
                | [][(){},.`=~!+*/%<>&|^?:-] )
    """,
    re.VERBOSE | re.DOTALL,
)
#: What is between two expressions of a template, up to the end of it or the next expression.
_TEMPLATE: Final = re.compile(r"(?:\\.|\$(?!\{)|[^`\\$])*(?P<mark>`|\$\{)", re.DOTALL)
_STEPS: Final = frozenset({"++", "--"})
_ASSIGNMENTS: Final = _STEPS | {f"{operator}=" for operator in ("", *"+-*/%&|^", "**", "<<", ">>", ">>>", "&&", "||", "??")}
_CLOSING: Final = {"(": ")", "[": "]", "{": "}", "${": "}", "`": "`"}
_OPERATORS: Final = frozenset({"delete", "in", "instanceof", "new", "typeof", "void"})
#: Of these the names are made that nothing refers to.
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZàáâãäåæçèéêëìíîïðñòóôõöøùúûüýþÿ"


class _ForeignError(Exception):
    """This is no script of the original."""


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


class _Name(NamedTuple):
    """A name that a parameter gives: its token; whether it is by itself, not in a pattern; whether it can be renamed there."""

    token: int
    alone: bool
    free: bool


_EDGE: Final = _Token("mark", "", 0)


def respelled(source: str) -> str:
    """*source*, which V8 refuses, in words that it may read. Lines and columns stay the same."""
    try:
        script = _Script(source)
        edits = [*script.assignments(), *script.parameters()]
    except (_ForeignError, RecursionError):  # a pattern can be nested too deep as well
        return source
    pieces, end = [], 0
    for at, old, new in sorted(edits):
        pieces += [source[end:at], new]
        end = at + len(old)
    return "".join((*pieces, source[end:]))


def _tokens(source: str) -> Iterator[_Token]:
    """Its tokens without blanks; a template is a pair of backquotes around its expressions."""
    at, nesting = 0, [""]  # the mark that ends what we are in
    while at < len(source):
        match = _TOKEN.match(source, at)
        if match is None:
            raise _ForeignError
        at = match.end()
        kind, text = str(match.lastgroup), match.group()
        if kind != "blank":
            yield _Token(kind, text, match.start())
        if text in _CLOSING and kind == "mark":
            nesting.append(_CLOSING[text])
        elif kind == "mark" and text in ")]}" and nesting.pop() != text:
            raise _ForeignError
        while nesting[-1] == "`":
            match = _TEMPLATE.match(source, at)
            if match is None:
                raise _ForeignError
            at = match.end()
            yield _Token("mark", match["mark"], match.start("mark"))
            if match["mark"] == "`":
                nesting.pop()
            else:
                nesting.append("}")
    if nesting != [""]:
        raise _ForeignError


class _Script:
    """A script of the original.

    :raises _ForeignError: it is none.
    """

    def __init__(self, source: str) -> None:
        self._tokens = [_EDGE, *_tokens(source), _EDGE, _EDGE]  # to look past either end
        self._partner = self._pairs()
        self._used = {text for kind, text, _ in self._tokens if kind == "name"}
        for index, token in enumerate(self._tokens):
            before = self._tokens[index - 1].text
            statements = token.text == "{" and before == "=>"
            expression = token.text in ("/", "/=") and not self._is_operand(index - 1)
            if token.kind == "mark" and (statements or expression):
                raise _ForeignError

    def _pairs(self) -> dict[int, int]:
        partner, open_at = {}, list[int]()
        for index, (kind, text, _) in enumerate(self._tokens):
            if kind != "mark":
                continue
            closes = open_at and _CLOSING[self._tokens[open_at[-1]].text] == text
            if closes:
                partner[index] = open_at.pop()
                partner[partner[index]] = index
            elif text in _CLOSING:
                open_at.append(index)
        return partner

    def _is_operand(self, index: int) -> bool:
        """Whether the token can be the last of an operand."""
        kind, text, _ = self._tokens[index]
        if kind == "mark":
            return text in (")", "]", "}", "++", "--") or (text == "`" and self._partner[index] < index)
        return text not in _OPERATORS or self._tokens[index - 1].text in (".", "?.")

    # -- assignments ------------------------------------------------------------------------------------------------

    def assignments(self) -> Iterator[tuple[int, str, str]]:
        """Where a chain with ``?.`` is assigned to: each of these marks becomes that of a plain access."""
        for index, (_, text, _) in enumerate(self._tokens):
            if text in _ASSIGNMENTS and self._is_operand(index - 1):
                yield from self._plainly(index - 1)
            elif text in _STEPS:
                yield from self._plainly(self._end(index + 1))

    def _plainly(self, end: int) -> Iterator[tuple[int, str, str]]:
        """The chain that ends with a token, with plain accesses only; not if the last has ``?.``, which nobody assigns to."""
        optional, at = list[int](), end
        while True:
            first = self._partner.get(at, at) if self._tokens[at].text in (")", "]") else at
            before = self._tokens[first - 1].text
            if before == "?.":
                optional.append(first - 1)
            elif before != "." and (first == at or not self._is_operand(first - 1)):
                break  # this is what the chain begins with
            if before == "?." and at == end:
                return
            at = first - (2 if before in (".", "?.") else 1)
        for index in optional:
            yield self._tokens[index].at, "?.", " ." if self._tokens[index + 1].kind == "name" else "  "

    def _end(self, at: int) -> int:
        """The last token of the chain that begins with a token."""
        end = self._partner.get(at, at)
        while self._tokens[end + 1].text in (".", "?.", "[", "("):
            at = end + (2 if self._tokens[end + 1].text in (".", "?.") else 1)
            end = self._partner.get(at, at)
        return end

    # -- parameters -------------------------------------------------------------------------------------------------

    def parameters(self) -> Iterator[tuple[int, str, str]]:
        """Where parameters of a function have the same name: all but that which counts get one that nobody uses."""
        for arrow, (_, text, _) in enumerate(self._tokens):
            if text == "=>" and self._tokens[arrow - 1].text == ")":
                names = list(self._names(self._partner[arrow - 1] + 1, arrow - 1, alone=True))
                counts = Counter(self._tokens[name.token].text for name in names)
                letters = iter(_LETTERS)
                for shared in (name for name, count in counts.items() if count > 1):
                    bearers = [name for name in names if self._tokens[name.token].text == shared]
                    bearers.remove(next((name for name in bearers if name.alone), bearers[0]))
                    for bearer in bearers:
                        yield from self._renamed(bearer, letters)

    def _renamed(self, bearer: _Name, letters: Iterator[str]) -> Iterator[tuple[int, str, str]]:
        _, old, at = self._tokens[bearer.token]
        new = next((name for letter in letters if (name := letter * len(old)) not in self._used), None)
        if bearer.free and new is not None:
            yield at, old, new

    def _names(self, first: int, last: int, *, alone: bool) -> Iterator[_Name]:
        """The names in a list of parameters, or of a pattern in it."""
        at = first
        while at < last:
            kind, text, _ = self._tokens[at]
            if kind == "name":
                yield _Name(at, alone, free=True)
            elif text == "[":
                yield from self._names(at + 1, self._partner[at], alone=False)
            elif text == "{":
                yield from self._members(at + 1, self._partner[at])
            at = at + 1 if text == "..." else self._next(at, last, ",") + 1

    def _members(self, first: int, last: int) -> Iterator[_Name]:
        """The names in a pattern for an object; where one is that of the member as well it cannot be renamed."""
        at = first
        while at < last:
            end = self._next(at, last, ",")
            colon = self._next(at, end, ":")
            if colon < end:
                yield from self._names(colon + 1, end, alone=False)
            elif self._tokens[at].kind == "name":
                yield _Name(at, alone=False, free=False)
            elif self._tokens[at].text == "...":
                yield from self._names(at + 1, end, alone=False)
            at = end + 1

    def _next(self, at: int, last: int, mark: str) -> int:
        """The next *mark* that is not within brackets, or *last*."""
        while at < last and self._tokens[at].text != mark:
            at = self._partner.get(at, at) + 1
        return min(at, last)
