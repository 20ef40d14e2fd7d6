"""``XML``: documents as trees of nodes (spec: api.md, 5). Read by expat, which comes with Python; written in the script.

A document from a stranger can do no harm: declarations of entities and of attributes, which make small documents large, are
refused, nothing outside of the document is ever read, and there are limits to what one may hold.
"""

from importlib.resources import files
from typing import Any, Final
from xml.parsers import expat  # what is dangerous about it is refused here

from pipy_core.api import Registry, get_logger, hookimpl

#: Bytes of a document.
MAX_SIZE: Final = 8 * 1024 * 1024
#: Elements, attributes and texts of a document.
MAX_NODES: Final = 200_000
#: Elements inside of each other. Scripts go through trees by recursion.
MAX_DEPTH: Final = 256

#: In what ``parse`` gives: here an element ends.
_CLOSE: Final = 0

_log = get_logger("XML")


class TooMuch(Exception):
    """A document passes a limit, or declares what would make it grow."""


def parse(document: str | bytes) -> list[Any] | None:
    """What is in a document, in order: ``[name, attributes]`` where an element begins, a string for text, 0 where an element ends.

    Attributes are None where there are none. Comments and processing instructions are left out.

    :param document: as bytes it may say its encoding itself.
    :returns: None if it is not well-formed, or passes a limit, which is logged.
    """
    parsing = _Parsing()
    try:
        if len(document) > MAX_SIZE:
            raise TooMuch(f"a document of {len(document)} bytes is larger than {MAX_SIZE}")
        return parsing.run(document)
    except TooMuch as error:
        _log.warning(str(error))
        return None
    except (expat.ExpatError, ValueError, LookupError):  # not well-formed; lone surrogates; an encoding that nobody knows
        return None


class _Parsing:
    """One document, as expat tells of it."""

    def __init__(self) -> None:
        self._found: list[Any] = []
        self._text: list[str] = []
        self._depth = self._nodes = 0

    def run(self, document: str | bytes) -> list[Any]:
        parser = expat.ParserCreate("utf-8" if isinstance(document, str) else None)
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text.append
        parser.EntityDeclHandler = self._refuse
        parser.AttlistDeclHandler = self._refuse
        parser.SkippedEntityHandler = self._refuse
        parser.ExternalEntityRefHandler = self._refuse
        parser.Parse(document, True)
        return self._found

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise TooMuch(f"elements are nested more than {MAX_DEPTH} deep")
        self._flush()
        self._nodes += len(attributes)
        self._add([name, attributes or None])

    def _end(self, _name: str) -> None:
        self._depth -= 1
        self._flush()
        self._found.append(_CLOSE)

    def _flush(self) -> None:
        if self._text:
            self._add("".join(self._text))
            self._text.clear()

    def _add(self, node: Any) -> None:
        self._found.append(node)
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise TooMuch(f"there are more than {MAX_NODES} elements, attributes and texts in a document")

    def _refuse(self, *_args: Any) -> int:
        raise TooMuch("a document declares entities or attributes, or refers to an entity that it does not declare")


@hookimpl
def pipy_register_scripts(registry: Registry) -> None:
    """Add the global ``XML``."""
    here = files("pipy_plugins")
    source, typings = (here.joinpath(f"xml_global{suffix}").read_text("utf-8") for suffix in (".js", ".d.ts"))
    registry.add_script("xml_global.js", source, typings)
    registry.add_function("xml.parse", parse)
