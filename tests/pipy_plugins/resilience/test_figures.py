"""What metrics say of all this."""

from pipy_core.pages import Pages
from pipy_core.registry import Registry
from pipy_plugins.resilience import circuit, figures, health


def test_what_is_counted_is_declared():
    registry = Registry()
    figures.pipy_register_filters(registry)
    declared = registry.figures()
    assert figures.RETRIES in declared
    assert len(declared) == 7
    assert {figure.kind for figure in declared} == {"counter"}


def test_how_things_are_is_offered_to_metrics():
    pages = Pages(None)
    figures.pipy_register_pages(pages)
    (source,) = pages.sources
    assert [family.name for family in source(None)] == [family.name for family in figures.gauges()]
    assert {health.standing, circuit.standing} <= set(figures.GAUGES)
    assert {"pipy_upstream_healthy", "pipy_circuit_state"} <= {family.name for family in figures.gauges()}
