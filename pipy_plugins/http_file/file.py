"""``http.File``: a file of the codebase as a response (spec: api.md, 9), and, beyond the original, as the answer to a request."""

from importlib.resources import files

from pipy_core.api import Registry, hookimpl
from pipy_plugins.http_file.files import answer, choose, content, describe, open_file


@hookimpl
def pipy_register_scripts(registry: Registry) -> None:
    """Add ``File`` to the global ``http``."""
    registry.add_function("http.file.open", open_file)
    registry.add_function("http.file.describe", describe)
    registry.add_function("http.file.choose", choose)
    registry.add_function("http.file.content", content)
    registry.add_function("http.file.answer", answer)
    source = files("pipy_plugins.http_file")
    registry.add_script(
        "http_file.js", source.joinpath("file.js").read_text("utf-8"), source.joinpath("file.d.ts").read_text("utf-8")
    )
