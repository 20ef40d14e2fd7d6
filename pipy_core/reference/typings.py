"""TypeScript declarations of everything that a script can use: what ``pipy types`` prints. Pure.

Globals bring theirs with their sources; the methods of a configuration are made from what the filters declare.
"""

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from pipy_core.kinds import Kind, OneOf
from pipy_core.params import REQUIRED, Form, Options, Param
from pipy_core.registry import FilterSpec, ScriptSource

HEAD: Final = """\
// Written by `pipy types`: everything that scripts can use here, plugins of others included.
// Use it with a tsconfig.json that has in its compilerOptions:
// "lib": ["es2024"], "types": [], "allowJs": true, "checkJs": true, "strict": false, "noEmit": true
"""
_WIDTH: Final = 110
#: What keeps a text from being the inside of a comment.
_END_OF_COMMENT: Final = re.compile(r"\*/")


def render(core: str, specs: Iterable[FilterSpec], sources: Iterable[ScriptSource], variables: Mapping[str, str]) -> str:
    """The declarations.

    :param core: those of what the core itself gives to scripts.
    :param variables: the variables of a script, by name, with their types.
    """
    parts = [HEAD.strip(), core.strip(), *(source.typings.strip() for source in sources if source.typings), configuration(specs)]
    if variables:
        parts.append("\n".join(f"declare let {name}: {kind}" for name, kind in sorted(variables.items())))
    return "\n\n".join(parts) + "\n"


def configuration(specs: Iterable[FilterSpec]) -> str:
    """The methods that add a filter to a pipeline."""
    lines = ["interface Configuration {"]
    for spec in specs:
        for form in spec.forms:
            lines += [
                f"  {line}".rstrip() for line in (*_comment(spec, form), f"{spec.name}({', '.join(_parameters(form))}): this")
            ]
    return "\n".join([*lines, "}"])


def _parameters(form: Form) -> Iterator[str]:
    repeated = [param for param in form if param.variadic]
    last_required = max((place for place, param in enumerate(form) if param.default is REQUIRED), default=-1)
    for place, param in enumerate(form):
        optional = param.default is not REQUIRED
        mark = "?" if optional and place > last_required else ""
        kind = param.kind.typescript if mark or not optional else f"({param.kind.typescript}) | undefined"
        yield f"{param.name}{mark}: {kind}"
    if repeated:
        kinds = dict.fromkeys(f"({param.kind.typescript})" for param in repeated)
        yield f"...more: ({' | '.join(kinds)})[]"


def _comment(spec: FilterSpec, form: Form) -> Iterator[str]:
    yield "/**"
    for line in textwrap.wrap(_safe(spec.help), _WIDTH):
        yield f" * {line}"
    for param in form:
        yield from textwrap.wrap(f"@param {param.name} {_told(param)}", _WIDTH, initial_indent=" * ", subsequent_indent=" *   ")
    yield " */"


def _told(param: Param) -> str:
    words = _safe(param.help)
    settings = [f"`{each.name}`: {_safe(each.help)}" for each in _options(param.kind)]
    return f"{words}. {'; '.join(settings)}" if settings else words


def _options(kind: Kind) -> tuple[Param, ...]:
    if isinstance(kind, OneOf):
        return next((each.options for each in kind.kinds if isinstance(each, Options)), ())
    return kind.options if isinstance(kind, Options) else ()


def _safe(words: str) -> str:
    return _END_OF_COMMENT.sub("* /", " ".join(words.split()))
