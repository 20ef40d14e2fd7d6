"""``algo.Ewma``: an exponentially weighted moving average.

``new algo.Ewma(weight = 0.1)``: the newest sample counts for *weight* (above 0, at most 1), all before it for the rest.
``observe(sample)`` gives the new average, ``value`` is the current one (``undefined`` without samples), ``reset()`` forgets all.
"""

from importlib.resources import files

from pipy_core.api import Registry, hookimpl


@hookimpl
def pipy_register_scripts(registry: Registry) -> None:
    """See the hook."""
    here = files("pipy_example")
    source, typings = (here.joinpath(name).read_text("utf-8") for name in ("ewma.js", "ewma.d.ts"))
    registry.add_script("pipy_example/ewma.js", source, typings)
