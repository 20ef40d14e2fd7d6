"""``algo.URLRouter``: finds the value of the most specific rule for a host and path (spec: api.md, 7).

A rule is ``[domain]/path``. The domain may begin with ``*.``, which stands for one label; the path may end in ``/*``, which stands
for the path before it and everything below. Rules of the domain go before those of ``*.``, and these before those without domain;
the exact path goes before the longest prefix.

Rules are sorted into tables when they are added. Finding one costs a look into a table for each segment of the path, and no more
than the longest rule has, so that a stranger's endless path costs no more than a short one.
"""

from pipy_core.api import Registry, hookimpl
from pipy_plugins.algo.source import script, typings


@hookimpl
def pipy_register_scripts(registry: Registry) -> None:
    """Add ``algo.URLRouter``."""
    registry.add_script("algo/url_router.js", script("url_router", "arguments"), typings("url_router"))
