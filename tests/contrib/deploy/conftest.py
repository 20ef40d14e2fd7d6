"""What the packages are made of. It is made once for all tests, in directories that end with them."""

import shutil

import pytest

from tests.contrib.deploy.tools import ROOT, find, run


@pytest.fixture(scope="session")
def source(tmp_path_factory):
    """The source without anything that was left beside it."""
    folder = tmp_path_factory.mktemp("source")
    for name in ("contrib/deploy", "pipy_core", "pipy_plugins", "tutorial"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("LICENSE", "README.md", "pyproject.toml", "setup.cfg"):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture(scope="session")
def wheels(source, tmp_path_factory):
    """All that a package brings with it, as the system's Python wants it: fetched once."""
    python = find("/usr/bin/python3")
    folder = tmp_path_factory.mktemp("wheels")
    run(python, "-m", "venv", folder / "pip")
    run(folder / "pip" / "bin" / "pip", "wheel", "--quiet", "--wheel-dir", folder / "wheels", source, "setuptools", "wheel")
    return folder / "wheels"
