"""What tests of several rooms start from."""

from collections.abc import Iterator

import pytest
from gevent.hub import Hub, set_hub

from tests.reactor import Bench


@pytest.fixture
def reactor() -> Iterator[Bench]:
    hub = Hub(default=False)  # the default loop belongs to the isolates of other tests
    set_hub(hub)
    bench = Bench()
    yield bench
    hub.destroy(destroy_loop=True)
    assert bench.reports == []
