"""TypeScript declarations taken apart: which global each of them is about, what its comment says, what its examples are. Pure.

Understands what plugins write, not all of TypeScript: a declaration begins at the left margin, with its comment above it, and ends
with a line that begins with a closing bracket or that is the only one.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

_NAME: Final = re.compile(r"(?:declare )?(?:abstract )?(?:class|namespace|interface|function|const|let|var|type) (\w+)")
_COMMENT: Final = re.compile(r"/\*\*(.*?)\*/", re.DOTALL)
_STAR: Final = re.compile(r"^ *\*? ?", re.MULTILINE)
#: From the tag to the end of the fenced block behind it.
_EXAMPLE: Final = re.compile(r"\n?[ ]*\* @example[^\n]*\n[ ]*\* ```\w*\n(.*?)\n?[ ]*\* ```[ ]*(?=\n)", re.DOTALL)


@dataclass(frozen=True)
class Declaration:
    """What a source declares of one global, without the examples in its comments.

    :ivar summary: the first paragraph of the comment above it.
    :ivar examples: the examples, each a text in JavaScript.
    """

    name: str
    text: str
    summary: str
    examples: tuple[str, ...]


def declarations(typings: Iterable[str]) -> dict[str, list[Declaration]]:
    """All declarations of these texts, by the name of the global; those of helper types as well."""
    found: dict[str, list[Declaration]] = {}
    for text in typings:
        for chunk in _chunks(text):
            named = _NAME.search(_COMMENT.sub("", chunk))
            if named:
                found.setdefault(named[1], []).append(_declaration(named[1], chunk))
    return found


def _chunks(text: str) -> Iterator[str]:
    lines: list[str] = []
    in_comment = False
    for line in text.splitlines():
        if not lines and not line.strip():
            continue
        lines.append(line)
        in_comment = (in_comment or line.lstrip().startswith("/*")) and "*/" not in line
        if not in_comment and _ends(lines):
            yield "\n".join(lines)
            lines = []


def _ends(lines: list[str]) -> bool:
    last = lines[-1]
    if last.startswith(("}", ")")):
        return True
    return bool(_NAME.match(last)) and not last.rstrip().endswith(("{", "(", "=", ",", "|"))


def _declaration(name: str, chunk: str) -> Declaration:
    examples = tuple(_STAR.sub("", found[1]).strip("\n") for found in _EXAMPLE.finditer(chunk))
    text = _EXAMPLE.sub("", chunk)
    comment = _COMMENT.match(text)
    words = _STAR.sub("", comment[1]).strip() if comment else ""
    return Declaration(name, text, words.partition("\n\n")[0].partition("\n@")[0], examples)
