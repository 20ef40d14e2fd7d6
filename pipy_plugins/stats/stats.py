"""``stats.Counter``, ``stats.Gauge``, ``stats.Histogram`` and the admin page ``/metrics`` (spec: api.md, 10; cli-admin.md, 6).

The values are kept in the script, where they are counted at every request; Python asks for them when somebody looks.
"""

import importlib
from importlib.resources import files
from typing import Any, Final

from pipy_core.api import Ask, Family, Message, Page, Pages, Registry, hookimpl, reply

#: Combinations of label values of one metric that are shown; each is an object for ever.
MAX_CHILDREN: Final = 10_000
#: Names of metrics.
MAX_METRICS: Final = 10_000
#: Imported only where there is an admin port (``contrib/decisions``).
_EXPOSITION: Final = "pipy_plugins.stats.exposition"
_HELP: Final = "A metric of the script."


def limits() -> list[int]:
    """What the script may keep."""
    return [MAX_METRICS, MAX_CHILDREN]


def families(collected: Any) -> list[Family]:
    """What ``stats.js`` gives. Its histograms are those of the original, and a little more."""
    return [
        Family(
            name,
            "classic" if kind == "histogram" else kind,
            _HELP,
            [(suffix, tuple((label, value) for label, value in labels), float(number)) for suffix, labels, number in samples],
            plain=True,
        )
        for name, kind, samples in collected
    ]


def collect(ask: Ask) -> list[Family]:
    """The metrics of the script."""
    return families(ask("stats.collect"))


def metrics_page(pages: Pages) -> Page:
    """The page with everything that is counted."""
    render = importlib.import_module(_EXPOSITION).render

    def metrics(_request: Message) -> Message:
        # sorted among their own kind, what is ours first: a script does not take the place of it by its name
        known = sorted(pages.instance.figures(), key=lambda each: (each.help == _HELP, each.name))
        return reply(200, render(known).encode("utf-8", "replace"), "text/plain")

    return metrics


@hookimpl
def pipy_register_pages(pages: Pages) -> None:
    """Add ``/metrics``."""
    pages.add_figures(collect)
    pages.add("/metrics", metrics_page(pages))


@hookimpl
def pipy_register_scripts(registry: Registry) -> None:
    """Add the global ``stats``."""
    registry.add_function("stats.limits", limits)
    source = files("pipy_plugins.stats")
    typings = source.joinpath("stats.d.ts").read_text("utf-8")
    registry.add_script("stats.js", source.joinpath("stats.js").read_text("utf-8"), typings)
