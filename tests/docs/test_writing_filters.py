"""The page about plugins: its code runs, and it documents exactly the hooks there are."""

import ast
import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest

from pipy_core import api, hookspecs
from pipy_core.reference.declarations import declarations
from pipy_core.trial.runner import load_registry, run_texts

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "writing-filters.md").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")
HOOKS = [hook for _, hook in inspect.getmembers(hookspecs, inspect.isfunction) if hasattr(hook, "pipy_spec")]


def blocks(page):
    return re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def run(page):
    """All blocks of a page, one after the other, as one module."""
    module = ModuleType("page")
    for block in blocks(page):
        exec(compile(block, "page", "exec"), module.__dict__)
    return module


def stories(module):
    return [value for name, value in vars(module).items() if name.startswith("test_")]


PLUGIN = run(PAGE)


@pytest.fixture
def registry():
    """All that is installed."""
    return load_registry()


def test_there_are_tests_in_the_page():
    assert len(stories(PLUGIN)) == 5


@pytest.mark.parametrize("test", stories(PLUGIN), ids=lambda test: test.__name__)
def test_of_the_page(test):
    test(*[PLUGIN for _ in inspect.signature(test).parameters])


def test_examples_use_the_front_door_only():
    allowed = {"pipy_core.api", "pipy_core.testing", "pipy_core.params", "typing"}
    for block in blocks(PAGE):
        imported = {node.module for node in ast.walk(ast.parse(block)) if isinstance(node, ast.ImportFrom)}
        assert imported <= allowed


def test_what_the_page_registers_is_accepted():
    registry = api.Registry()
    PLUGIN.pipy_register_filters(registry)
    PLUGIN.pipy_register_scripts(registry)
    assert [spec.name for spec in registry.filters()] == ["limitBody"]
    assert [source.name for source in registry.sources()] == ["checksum"]


def test_the_example_of_the_page_passes_its_own_test(registry):
    script, tests = re.findall(r"^`examples/[^`]*`:\n\n```js\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    PLUGIN.pipy_register_filters(registry)
    results = run_texts(registry, script, tests)
    assert [(result.outcome, result.problems) for result in results] == [("passed", [])]


def test_the_globals_of_the_page_work_and_are_declared(registry):
    PLUGIN.pipy_register_scripts(registry)
    tests = """
      test('slugs and checksums', t => {
        t.equal(slugify('Hi, There'), 'hi-there')
        t.equal(new Checksum().update('123').update(new Data('456789')).value, 0xcbf43926)
      })"""
    (result,) = run_texts(registry, "pipy().listen(8000).dummy()", tests)
    assert result.problems == []
    assert sorted(declarations([PLUGIN.TYPINGS])) == ["Checksum", "slugify"]


def test_the_front_page_shows_the_example_plugin():
    example = ROOT / "contrib" / "example_plugin"
    assert blocks(README) == [(example / "src" / "pipy_example" / "count_bytes.py").read_text("utf-8")]
    entry_points = re.search(r"^```toml\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert entry_points[1] in (example / "pyproject.toml").read_text("utf-8")


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook.__name__)
def test_every_hook_is_documented_with_its_signature(hook):
    arguments = ", ".join(
        f"{name}: {inspect.formatannotation(parameter.annotation).rpartition('.')[2]}"
        for name, parameter in inspect.signature(hook).parameters.items()
    )
    heading = f"### `{hook.__name__}({arguments}) -> None`"
    assert heading in PAGE
    text = " ".join(PAGE.partition(heading)[2].partition("\n#")[0].split())
    summary = " ".join(inspect.getdoc(hook).partition("\n\n")[0].replace("``", "`").split())
    assert text.startswith(summary)
    since = re.search(r"versionadded:: (\S+)", inspect.getdoc(hook))
    assert since, f"{hook.__name__} does not say since when there is it"
    assert text.endswith(f"Since {since[1]}.")


def test_no_hook_is_documented_that_does_not_exist():
    assert set(re.findall(r"^### `(pipy_\w+)", PAGE, re.MULTILINE)) == {hook.__name__ for hook in HOOKS}
