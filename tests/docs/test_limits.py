"""The page about limits says what the code says, and leaves none out."""

import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import pipy_core
import pipy_plugins
from pipy_core.limit_table import TABLE, spelled
from pipy_core.limits import CAUSES, DEFAULTS
from pipy_core.options import OPTIONS
from pipy_core.plugins import Plugins, installed
from pipy_core.registry import Registry
from pipy_core.script import engines
from pipy_core.settings import Settings

PAGE = (Path(__file__).parents[2] / "docs" / "limits.md").read_text("utf-8")
ROWS = [re.split(r" *\| *", line.strip("| ")) for line in PAGE.splitlines() if re.search(r"`pipy_[\w.]+` \|$", line)]
UNITS = {"": 1, "s": 1, "KiB": 1024, "MiB": 1024**2}
#: What a constant is called that belongs into the page.
LIMIT = re.compile(r"(MAX|MOST)_[A-Z_]+|([A-Z]+_)?LIMIT")
#: Constants that are called so but are no limits of what Pipy takes in.
OTHERS = {
    "pipy_core.script.declarations.MAX_PORT": "what TCP has",
    "pipy_core.kit.address.MAX_PORT": "what TCP has",
    "pipy_core.options.MOST_THREADS": "what is taken for a slip of the finger",
}


#: Engines that are not installed here: nobody can say what their limits are.
MISSING = tuple(f"pipy_core.script.{name}" for name, kind in engines.KINDS.items() if not kind.installed)


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
            if found.name.endswith("__main__") or found.name.startswith(MISSING):
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


def in_the_script(row):
    """The option of ``listen`` or of a filter; one has another name there."""
    holder = "listen" if row.listen else row.of
    member = {"upstream_write_timeout": "writeTimeout"}.get(row.name, row.member)
    return f"`{member}` of `{holder}`" if holder else ""


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_what_can_be_set_is_on_the_page(row):
    value = getattr(DEFAULTS, row.name)
    zero = f" (0: {row.off})" if row.off and value else ""
    default = spelled(row, value) if value else row.off
    cells = (row.help + zero, f"`--{row.option}`", in_the_script(row), default, row.beyond, row.others)
    assert f"| {' | '.join(cells)} |" in PAGE


@pytest.mark.parametrize(("option", "unit"), [("call-timeout", "s"), ("load-timeout", "s"), ("heap-limit", "MB")])
def test_what_scripts_may_use_is_in_the_same_table(option, unit):
    default = getattr(Settings(), OPTIONS[option].setting)
    assert f"| `--{option}` |  | {default:g} {unit} |" in PAGE.split("## HTTP")[0]


def test_filters_have_the_options_that_the_page_names():
    registry = Registry()
    Plugins().load(registry, [each for each in installed() if each.built_in])
    for row in TABLE:
        if row.of:
            name = in_the_script(row).split("`")[1]
            assert name in registry.filter(row.of).forms[-1][-1].default


def test_causes_are_on_the_page():
    assert "`" + "`, `".join(CAUSES) + "`" in " ".join(PAGE.split())
