"""How ``tox -e docs`` builds these pages; they are written to be read as files just as well."""  # noqa: INP001  # no package

import pipy_core

project = "Pipy for Python"
version = release = pipy_core.__version__
extensions = ["myst_parser"]
html_theme = "furo"
myst_heading_anchors = 3
exclude_patterns = ["_build"]
# Pages refer to files beside this directory. tests/docs/test_links.py sees to it that they exist.
suppress_warnings = ["myst.xref_missing"]
