"""Every filter and every global has an example, and each of them does what it says."""

from pathlib import Path

import pytest

from pipy_core.plugins import Plugins, installed
from pipy_core.reference.declarations import declarations
from pipy_core.reference.examples import example_of
from pipy_core.registry import Registry
from pipy_core.script.typings import core_typings
from pipy_core.trial.runner import run_texts

GLOBALS = Path(__file__).parents[2] / "docs" / "examples"


def built_in():
    registry = Registry()
    Plugins().load(registry, [each for each in installed() if each.built_in])
    return registry


REGISTRY = built_in()
NAMES = declarations([core_typings(), *(source.typings for source in REGISTRY.sources())])


def passes(results):
    assert results, "there is no test in it"
    assert [(result.name, result.problems) for result in results if result.outcome != "passed"] == []


@pytest.mark.parametrize("spec", list(REGISTRY.filters()), ids=lambda spec: spec.name)
def test_the_example_of_a_filter(spec):
    example = example_of(spec)
    assert example is not None
    assert f".{spec.name}(" in example.script
    passes(run_texts(REGISTRY, example.script, example.test))


@pytest.mark.parametrize("name", list(NAMES))
def test_the_example_of_a_global(name):
    passes(run_texts(REGISTRY, "pipy()", (GLOBALS / f"{name}.test.js").read_text("utf-8")))


def test_no_example_is_left_over():
    assert {path.name.removesuffix(".test.js") for path in GLOBALS.iterdir()} == set(NAMES)
