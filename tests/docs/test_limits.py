"""The page about limits says what the code says, and leaves none out."""

import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import pipy_core
import pipy_plugins

PAGE = (Path(__file__).parents[2] / "docs" / "limits.md").read_text("utf-8")
ROWS = [re.split(r" *\| *", line.strip("| ")) for line in PAGE.splitlines() if re.search(r"`pipy_[\w.]+` \|$", line)]
UNITS = {"": 1, "s": 1, "KiB": 1024, "MiB": 1024**2}
#: What a constant is called that belongs into the page.
LIMIT = re.compile(r"(MAX|MOST)_[A-Z_]+|([A-Z]+_)?LIMIT")
#: Constants that are called so but are no limits of what Pipy takes in.
OTHERS = {
    "pipy_core.script.declarations.MAX_PORT": "what TCP has",
    "pipy_core.kit.address.MAX_PORT": "what TCP has",
}


def in_the_code(path):
    module, _, name = path.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except ModuleNotFoundError:
        module, _, holder = module.rpartition(".")
        return getattr(getattr(importlib.import_module(module), holder)(), name)


def number(text):
    digits, _, unit = text.replace(",", "").partition(" ")
    return float(digits) * UNITS[unit]


def constants():
    for package in (pipy_core, pipy_plugins):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if found.name.endswith("__main__"):
                continue
            module = importlib.import_module(found.name)
            source = Path(module.__file__).read_text("utf-8")
            for name in re.findall(r"^([A-Z][A-Z_]+)(?:: Final(?:\[.*\])?)? = ", source, re.MULTILINE):
                if LIMIT.fullmatch(name):
                    yield f"{found.name}.{name}"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[-1].strip("`"))
def test_number_is_that_of_the_code(row):
    assert in_the_code(row[-1].strip("`")) == number(row[1])


def test_every_limit_is_on_the_page():
    listed = {row[-1].strip("`") for row in ROWS}
    assert sorted(set(constants()) - listed - OTHERS.keys()) == []


def test_exemptions_are_needed():
    assert set(constants()) >= OTHERS.keys()
