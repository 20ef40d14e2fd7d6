"""The pages of the reference, for a small registry."""

import math

import pytest

from pipy_core.api import DURATION, FUNCTION, NUMBER, PIPELINE, STRING, Filter, Param, Pipeline, Registry, dynamic, options
from pipy_core.reference import pages
from pipy_core.reference.declarations import declarations
from pipy_core.reference.examples import Example


class Nothing(Filter):
    def process(self, event):
        self.emit(event)


@pytest.fixture
def registry():
    """A small one."""
    registry = Registry()
    registry.add_filter(
        "join",
        Nothing,
        [
            Param("target", Pipeline(or_empty=True), "where to"),
            Param("condition", FUNCTION, "when", default=None),
        ],
        help="Goes on\n   elsewhere.",
        group="joints",
    )
    registry.add_filter(
        "link",
        Nothing,
        [
            Param("target", PIPELINE, "where to"),
            options(
                Param("retryCount", NUMBER, "how often | again", default=0),
                Param("timeout", DURATION, "how long", default=math.inf),
            ),
        ],
        [Param("address", dynamic(STRING), "host:port", default="localhost:80")],
        help="Two forms.",
        group="network",
    )
    registry.add_filter("dummy", Nothing, help="Drops everything.", group="network")
    return registry


def test_the_list_of_filters(registry):
    assert (
        pages.filter_index(registry.filters())
        == pages.FILTERS
        + """
## Joints

| | |
|---|---|
| [join](filters/join.md) | Goes on elsewhere |

## Network

| | |
|---|---|
| [dummy](filters/dummy.md) | Drops everything |
| [link](filters/link.md) | Two forms |
"""
    )


def test_a_filter_with_several_forms_and_options(registry):
    assert (
        pages.filter_page(registry.filter("link"), None)
        == f"""\
# link

{pages.WRITTEN}

```js
.link(target, [options])
.link([address])
```

Two forms.

| parameter | is | default | |
|---|---|---|---|
| `target` | a string (the name of a pipeline) | required | where to |
| `options.retryCount` | a number | `0` | how often \\| again |
| `options.timeout` | a duration (a number of seconds or a string such as '5s') | unlimited | how long |
| `address` | a string or a function | `'localhost:80'` | host:port |
"""
    )


def test_an_example_ends_the_page(registry):
    page = pages.filter_page(registry.filter("dummy"), Example("pipy().dummy()\n", "test('drops', t => {})\n"))
    assert page.endswith("""
Drops everything.

## Example

```js
pipy().dummy()
```

What it does, as a test:

```js
test('drops', t => {})
```
""")


def test_globals_are_put_together_from_all_that_declare_them():
    found = declarations(
        [
            "/** Ways to choose. They differ. */\ndeclare namespace algo {\n  class A {}\n}\n",
            "declare namespace algo {\n  class B {}\n}\n\n/**\n * A | B.\n *\n * More.\n * @example\n * ```js\n * f()\n * ```\n */\ndeclare function f(): void\n",
        ]
    )
    assert (
        pages.global_index(found)
        == pages.GLOBALS
        + """
| | |
|---|---|
| [algo](globals/algo.md) | Ways to choose |
| [f](globals/f.md) | A \\| B |
"""
    )
    assert (
        pages.global_page("algo", found["algo"], "test('a')\n")
        == f"""\
# algo

{pages.WRITTEN}

Ways to choose. They differ.

```ts
/** Ways to choose. They differ. */
declare namespace algo {{
  class A {{}}
}}

declare namespace algo {{
  class B {{}}
}}
```

## Example

What it does, as a test:

```js
test('a')
```
"""
    )
    assert pages.global_page("f", found["f"], "test('f')\n").endswith("""declare function f(): void
```

## Example

```js
f()
```

What it does, as a test:

```js
test('f')
```
""")
