"""What a filter declares about its parameters, and how the arguments of a call are checked against it.

A declaration is data: the same one checks arguments, prints ``--help-filters``, makes the reference and the typings.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from pipy_core.context import UNDEFINED, ScriptDict
from pipy_core.errors import ArgumentError
from pipy_core.kinds import Kind, absent


class _Required:
    def __repr__(self) -> str:
        return "required"


REQUIRED: Final[_Required] = _Required()


@dataclass(frozen=True)
class Param:
    """One parameter.

    :param default: what the filter gets when the argument is absent; ``REQUIRED`` makes absence an error.
    :param variadic: the last parameters of a form may repeat: all parameters with this set form one repeating group.
    """

    name: str
    kind: Kind
    help: str = ""
    default: Any = REQUIRED
    variadic: bool = False

    def check(self, value: Any) -> Any:
        """The value the filter gets."""
        if absent(value) and self.default is not REQUIRED:
            return self.default
        return self.kind.check(value)


@dataclass(frozen=True)
class Options(Kind):
    """An object with known properties. Given to the filter as a ``dict`` that has every name, defaults filled in."""

    options: tuple[Param, ...]
    words: str = "an object"
    noun: str = "options"

    @property
    def typescript(self) -> str:  # type: ignore[override]  # derived, not given
        """See ``Kind``."""
        return "{ " + "; ".join(f"{option.name}?: {option.kind.typescript}" for option in self.options) + " }"

    def accepts(self, value: Any) -> bool:
        """See ``Kind``."""
        return isinstance(value, ScriptDict)

    def defaults(self) -> dict[str, Any]:
        """What the filter gets when the whole object is absent."""
        return {option.name: option.default for option in self.options}

    def check(self, value: Any) -> dict[str, Any]:
        """See ``Kind``. Unknown properties are ignored, as the original does."""
        given = super().check(value)
        checked = {}
        for option in self.options:
            try:
                checked[option.name] = option.check(given.get(option.name))
            except ArgumentError as error:
                raise ArgumentError(f"{self.noun}.{option.name} {error}") from None
        return checked


def options(*params: Param, name: str = "options", noun: str = "options") -> Param:
    """The usual last parameter: an optional object of named settings."""
    kind = Options(params, noun=noun)
    return Param(name, kind, "named settings", default=kind.defaults())


Form = Sequence[Param]


def bind(forms: Sequence[Form], args: Sequence[Any]) -> list[Any]:
    """Check *args* against the first of *forms* that they fit by number and kind; give one value per parameter.

    More arguments than the last form has are ignored.

    :raises ArgumentError: none fits; the message is that of the last form that has room for all of them.
    """
    for form in forms:
        if _fits(form, args):
            return _check(form, args)
    last = forms[-1]
    roomy = [form for form in forms if len(_expand(form, len(args))) >= len(args)]
    if not roomy or _fits(last, args[: len(last)]):
        return _check(last, args)
    return _check(roomy[-1], args)


def _fits(form: Form, args: Sequence[Any]) -> bool:
    given = _expand(form, len(args))
    if len(args) > len(given):
        return False
    padded = [*args, *[UNDEFINED] * (len(given) - len(args))]
    return all(
        (absent(value) and param.default is not REQUIRED) or (not absent(value) and param.kind.accepts(value))
        for param, value in zip(given, padded, strict=True)
    )


def _check(form: Form, args: Sequence[Any]) -> list[Any]:
    required = sum(param.default is REQUIRED for param in form)
    if len(args) < required:
        raise ArgumentError(f"requires {required} or more arguments, given {len(args)}")
    given = _expand(form, len(args))
    values = []
    for number, param in enumerate(given, 1):
        try:
            values.append(param.check(args[number - 1] if number <= len(args) else UNDEFINED))
        except ArgumentError as error:
            raise ArgumentError(f"argument #{number} {error} (parameter {param.name!r})") from None
    return values


def _expand(form: Form, count: int) -> list[Param]:
    repeated = [param for param in form if param.variadic]
    expanded = list(form)
    while repeated and len(expanded) < count:
        expanded += repeated
    return expanded[: max(count, len(form))] if repeated else expanded
