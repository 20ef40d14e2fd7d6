"""``stats.Counter``, ``stats.Gauge``, ``stats.Histogram`` and the admin page ``/metrics`` (spec: api.md, 10; cli-admin.md, 6).

The values are kept in the script, where they are counted at every request; Python asks for them when somebody looks.
"""

from importlib.resources import files
from typing import Any, Final

from pipy_core.api import Family, Message, Page, Pages, Registry, hookimpl, reply
from pipy_plugins.stats.exposition import render

#: Combinations of label values of one metric that are shown; each is an object for ever.
MAX_CHILDREN: Final = 10_000
#: Names of metrics.
MAX_METRICS: Final = 10_000


def limits() -> list[int]:
    """What the script may keep."""
    return [MAX_METRICS, MAX_CHILDREN]


def families(collected: Any) -> list[Family]:
    """What ``stats.js`` gives."""
    return [Family(name, kind, "", samples) for name, kind, samples in collected]


def metrics_page(pages: Pages) -> Page:
    """The page with everything that is counted."""

    def metrics(_request: Message) -> Message:
        known = sorted([*pages.instance.figures(), *families(pages.instance.ask("stats.collect"))], key=lambda each: each.name)
        return reply(200, render(known).encode("utf-8", "replace"), "text/plain")

    return metrics


@hookimpl
def pipy_register_pages(pages: Pages) -> None:
    """Add ``/metrics``."""
    pages.add("/metrics", metrics_page(pages))


@hookimpl
def pipy_register_scripts(registry: Registry) -> None:
    """Add the global ``stats``."""
    registry.add_function("stats.limits", limits)
    source = files("pipy_plugins.stats")
    typings = source.joinpath("stats.d.ts").read_text("utf-8")
    registry.add_script("stats.js", source.joinpath("stats.js").read_text("utf-8"), typings)
