"""The page about metrics and logs names what there is, and nothing else."""

import re
from pathlib import Path

import pytest

from pipy_core.kit.access import FIELDS, FORMATS, JSON_FIELDS, formatter

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "observability.md").read_text("utf-8")
#: Where figures are declared, with their names.
DECLARATION = re.compile(r'(?:Figure|Family|single|_one|counter|Count)\(\s*"(pipy_[a-z0-9_]+)"(?:,\s*"(counter|gauge|histogram)")?')


def declared():
    """Names of figures in the sources, with their types where these stand beside them."""
    sources = [path for folder in ("pipy_core", "pipy_plugins") for path in (ROOT / folder).rglob("*.py")]
    return {name: kind for path in sources for name, kind in DECLARATION.findall(path.read_text("utf-8"))}


def documented():
    return dict(re.findall(r"^\| `(pipy_[a-z0-9_]+)` \| (\w+) \|", PAGE, re.MULTILINE))


def test_all_figures_are_on_the_page():
    assert set(documented()) == set(declared())


@pytest.mark.parametrize("name", sorted(declared()))
def test_their_types(name):
    kind = declared()[name] or "counter"  # of the functions that make nothing else
    assert documented()[name] == kind
    assert name.endswith("_total") == (kind == "counter")


def test_all_fields_are_on_the_page():
    table = PAGE.split("| field | json | is |")[1].split("\n\n")[0]
    fields, in_json = set(), set()
    for names, marked in re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|([^|]*)\|", table, re.MULTILINE):
        row = re.findall(r"`(\w+)`", names)
        fields |= set(row)
        in_json |= set(row if marked.strip() == "yes" else re.findall(r"`(\w+)`", marked))
    assert fields == set(FIELDS)
    assert in_json == set(JSON_FIELDS)


def test_formats():
    rows = dict(re.findall(r"^\| `(\w+)` \| `?([^|]*?)`? \|$", PAGE, re.MULTILINE))
    assert rows["common"] == FORMATS["common"]
    assert FORMATS["combined"] == FORMATS["common"] + ' "$referer" "$user_agent"'
    for form in ("json", *FORMATS):
        formatter(form)


def test_alerts_are_about_what_there_is():
    names = {
        re.sub(r"_(bucket|sum|count)$", "", name) for name in re.findall(r"\bpipy_[a-z0-9_]+", PAGE.split("Worth an alert")[1])
    }
    assert names <= set(declared())
