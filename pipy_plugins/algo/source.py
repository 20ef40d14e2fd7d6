"""Where the JavaScript of this package is, and how a class is put together with the parts it shares with its neighbours."""

from importlib.resources import files


def script(name: str, *parts: str) -> str:
    """The script source of ``<name>.js``.

    :param name: a file of this package that evaluates to ``runtime => ({ algo: ... })``, or, where there are *parts*, to a function
        that takes their values and gives that.
    :param parts: files that each evaluate to one value. They come after the class, so that its line numbers are those of its file.
    """
    if not parts:
        return _read(name)
    return f"({_read(name)})({', '.join(_read(part) for part in parts)})"


def typings(name: str) -> str:
    """The typings of ``<name>.d.ts``."""
    return files("pipy_plugins.algo").joinpath(f"{name}.d.ts").read_text("utf-8")


def _read(name: str) -> str:
    return files("pipy_plugins.algo").joinpath(f"{name}.js").read_text("utf-8").strip()
