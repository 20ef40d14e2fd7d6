"""The reference of filters is written from their declarations, and the one in the repository is the latest."""

import importlib.util
import math
import subprocess
import sys
from pathlib import Path

import pytest

from pipy_core.api import DURATION, FUNCTION, NUMBER, PIPELINE, STRING, Filter, Param, Pipeline, Registry, dynamic, options

SCRIPT = Path(__file__).parents[2] / "contrib" / "docs" / "generate.py"


class Nothing(Filter):
    def process(self, event):
        self.emit(event)


@pytest.fixture(scope="module")
def generate():
    spec = importlib.util.spec_from_file_location("generate_docs", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def registry():
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


EXPECTED = """
| group | filters |
|---|---|
| joints | [join](#join) |
| network | [dummy](#dummy) [link](#link) |

## Joints

### join

```js
.join(target, [condition])
```

Goes on elsewhere.

| parameter | is | default | |
|---|---|---|---|
| `target` | a string (the name of a pipeline) | required | where to |
| `condition` | a function |  | when |

## Network

### dummy

```js
.dummy()
```

Drops everything.

### link

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
| `address` | a function or a string | `'localhost:80'` | host:port |
"""


def test_page_of_a_small_registry(generate, registry):
    assert generate.render(registry) == generate.HEAD + EXPECTED


def test_the_page_in_the_repository_is_the_latest():
    done = subprocess.run([sys.executable, SCRIPT, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_an_old_page_is_noticed(generate, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(generate, "PAGE", tmp_path / "filters.md")
    monkeypatch.setattr(sys, "argv", ["generate.py", "--check"])
    generate.PAGE.write_text("yesterday's", "utf-8")
    assert generate.main() == 1
    assert "out of date" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", ["generate.py"])
    assert generate.main() == 0
    monkeypatch.setattr(sys, "argv", ["generate.py", "--check"])
    assert generate.main() == 0
